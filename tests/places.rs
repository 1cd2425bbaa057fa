//! Where a function may stand and a request may be written: everywhere that Rust lets a function and an expression stand.

#![deny(warnings)]
#![expect(clippy::useless_vec, reason = "a macro of std is one of the places")]
#![expect(clippy::float_cmp, reason = "these numbers are small integers, which are exact")]

use defn::prelude::*;

#[defn]
fn cube(x: f64) -> f64 {
    x * x * x
}

#[defn]
fn half(x: f64) -> f64 {
    0.5 * cube(x)
}

mod generated {
    use defn::prelude::*;

    /// One function for each name.
    macro_rules! make {
        ($($name:ident $module:ident $factor:literal;)*) => {
            $(pub(crate) mod $module {
                use defn::prelude::*;
                #[defn]
                pub(crate) fn $name(x: Tensor<f64, n>) -> f64 {
                    $factor * x.sum()
                }
            })*
        };
    }
    make! { total one 1.0; total two 2.0; }

    /// Nothing of the caller is in it: the same tokens at the same place, twice.
    macro_rules! alike {
        () => {
            use defn::prelude::*;
            #[defn]
            pub(crate) fn same(x: Tensor<f64, n>) -> f64 {
                x.sum()
            }
        };
    }
    pub(crate) mod here {
        alike!();
    }
    pub(crate) mod there {
        alike!();
    }

    /// A callee, a type and a value as fragments.
    macro_rules! plus {
        ($name:ident, $callee:path, $t:ty, $value:expr) => {
            #[defn]
            pub(crate) fn $name(x: Tensor<$t, n>) -> $t {
                $callee(x) + one::total(x) + $value
            }
        };
    }
    plus!(three, two::total, f64, 1.0 + 2.0);
    plus!(four, three, f64, 0.0);
}

#[test]
fn macros_generate_functions() {
    let x = Tensor::from_fn([3], |[i]| i as f64);
    assert_eq!((generated::one::total(&x), generated::two::total(&x)), (3.0, 6.0));
    assert_eq!(generated::here::same(&x), generated::there::same(&x));
    assert_eq!((generated::three(&x), generated::four(&x)), (12.0, 15.0));
}

macro_rules! slope_of {
    (path $f:path) => {
        grad!($f)
    };
    (ident $f:ident) => {
        grad!($f)
    };
    (expr $f:expr) => {
        grad!($f)
    };
}

#[test]
fn a_request_takes_fragments() {
    assert_eq!(slope_of!(path half)(2.0), 6.0);
    assert_eq!(slope_of!(ident half)(2.0), 6.0);
    assert_eq!(slope_of!(expr half)(2.0), 6.0);
}

const CONSTANT: fn(f64) -> f64 = grad!(cube);
static STATIC: fn(f64) -> f64 = grad!(cube);

const fn in_a_constant_function() -> fn(f64) -> f64 {
    grad!(cube)
}

fn in_a_generic_function<T: Into<f64>>(x: T) -> f64 {
    grad!(cube)(x.into())
}

async fn in_an_async_function(x: f64) -> f64 {
    grad!(cube)(x)
}

struct Field {
    slope: fn(f64) -> f64,
}

#[test]
fn a_request_stands_wherever_an_expression_does() {
    let slope = grad!(cube);
    assert_eq!(size_of_val(&slope), 0, "a request is a function item");
    let (copied, again) = (slope, slope);
    let all = [
        copied as fn(f64) -> f64,
        again,
        CONSTANT,
        STATIC,
        in_a_constant_function(),
        Field { slope: grad!(cube) }.slope,
    ];
    assert!(all.iter().all(|slope| slope(2.0) == 12.0));
    assert_eq!(in_a_generic_function(2.0f32), 12.0);
    let chosen = match all.len() {
        6 => grad!(cube) as fn(f64) -> f64,
        _ => grad!(half),
    };
    assert_eq!(format!("{}", chosen(1.0) + grad!(half)(2.0)), "9");
    let several = vec![grad!(cube) as fn(f64) -> f64, grad!(half)];
    assert_eq!(several.iter().map(|slope| slope(2.0)).sum::<f64>(), 18.0);
    let moved = std::thread::spawn(|| move |x: f64| grad!(cube)(x)).join().unwrap();
    assert_eq!(moved(2.0), 12.0);
    let length = [0u8; {
        let _ = grad!(cube);
        3
    }];
    assert_eq!(length.len(), 3);
    let future = std::pin::pin!(in_an_async_function(2.0));
    let ready = future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    assert_eq!(ready, std::task::Poll::Ready(12.0));
}

#[test]
fn items_stand_in_a_body() {
    #[defn]
    #[derive(Clone)]
    struct Local<a> {
        w: Tensor<f64, a>,
    }
    #[defn]
    fn local(p: Local<n>, x: Tensor<f64, n>) -> f64 {
        inner(p.w * x) + cube(x).sum()
    }
    #[defn]
    fn inner(x: Tensor<f64, n>) -> f64 {
        x.sum()
    }
    let (p, x) = (Local { w: Tensor::full([3], 2.0) }, Tensor::ones([3]));
    assert_eq!(local(&p, &x), 9.0);
    assert_eq!(grad!(local)(&p, &x).w, x);
}

/// A function of a body of a generic function is compiled once for all of its types.
fn around<T: Default>() -> (T, f64) {
    #[defn]
    fn inside(x: f64) -> f64 {
        x + 1.0
    }
    (T::default(), inside(1.0))
}

#[test]
fn a_function_stands_in_a_generic_one() {
    assert_eq!((around::<u8>(), around::<String>()), ((0, 2.0), (String::new(), 2.0)));
}

mod visible {
    pub(crate) mod deep {
        use defn::prelude::*;
        #[defn]
        pub(super) fn up(x: f64) -> f64 {
            x + 1.0
        }
        #[defn]
        pub(in crate::visible) fn within(x: f64) -> f64 {
            up(x) + 1.0
        }
        #[defn]
        pub(crate) fn wide(x: f64) -> f64 {
            within(x) + 1.0
        }
    }
    pub(crate) fn both(x: f64) -> (f64, f64) {
        (deep::up(x), deep::within(x))
    }
    pub(crate) use deep::wide as wider;
}

#[test]
fn visibilities_hold() {
    #[defn]
    fn widest(x: f64) -> f64 {
        visible::wider(x) + visible::deep::wide(x)
    }
    assert_eq!((visible::both(0.0), widest(0.0)), ((1.0, 2.0), 6.0));
}

/// Names of attributes and of derives are no names of macros.
mod names {
    use defn::prelude::*;
    #[defn]
    pub(crate) fn test(x: f64) -> f64 {
        x + 1.0
    }
    #[defn]
    pub(crate) fn derive(x: f64) -> f64 {
        test(x) + 1.0
    }
    #[derive(Clone, Copy)]
    pub(crate) struct Derived;
}

#[test]
fn names_of_attributes_are_free() {
    let _ = names::Derived;
    assert_eq!(names::derive(0.0), 2.0);
}

macro_rules! handed_on {
    ($($tokens:tt)*) => {
        $($tokens)*
    };
}

/// A callee that a dozen imports hide from its caller is waited for.
mod late {
    use defn::prelude::*;
    #[defn]
    pub(crate) fn early(x: f64) -> f64 {
        late(x) + 1.0
    }
    handed_on! { use handed_on as a1; a1! { use handed_on as a2; a2! { use handed_on as a3; a3! {
        use handed_on as a4; a4! { use handed_on as a5; a5! { use handed_on as a6; a6! {
            use handed_on as a7; a7! { use handed_on as a8; a8! { use handed_on as a9; a9! {
                #[defn]
                fn late(x: f64) -> f64 {
                    2.0 * x
                }
            }}}
        }}}
    }}}}
}

#[test]
fn a_callee_behind_imports_is_waited_for() {
    assert_eq!(late::early(2.0), 5.0);
}

#[defn]
#[cfg(any())]
fn never(x: f64) -> f64 {
    missing(x)
}

#[cfg(any())]
#[defn]
fn never_either(x: f64) -> f64 {
    missing(x)
}

#[test]
fn ways_to_call_agree() {
    let mut place = 0.0;
    half::into(2.0, &mut place).unwrap();
    assert_eq!((half(2.0), half::try_call(2.0).unwrap(), place), (4.0, 4.0, 4.0));
    assert!(!half::explain().is_empty());
}
