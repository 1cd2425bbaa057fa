//! Functions as items: what they may be called, where they may stand, what they may take and return.

use crate::support::{floats, near, of_sums, same};
use defn::prelude::*;

#[defn]
fn itself(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x
}

#[defn]
fn thrice(x: Tensor<f32, n>) -> (Tensor<f32, n>, Tensor<f32, n>, Tensor<f32, n>, f32, f32) {
    let y = x * 2.0;
    (y, y, x, 1.5, 1.5)
}

#[defn]
fn nothing() -> f32 {
    2.0 * 3.0
}

#[defn]
fn unit(_x: Tensor<f32, n>) {}

#[defn]
fn unused(x: Tensor<f32, n>, _y: Tensor<i32, n>, z: f64) -> Tensor<f32, n> {
    let _ = z;
    -x
}

#[defn]
fn one(x: Tensor<f32, n>) -> (f32,) {
    (x.sum(),)
}

#[defn]
fn extents(_x: Tensor<f32, n, m>) -> (i64, i64) {
    (n, m)
}

#[defn]
fn rank_zero(x: Tensor<f32>) -> Tensor<f32> {
    x.exp()
}

#[test]
fn results_may_be_parameters_constants_or_repeated() {
    let x = floats::<f32, 1>([5], 1);
    assert_eq!(itself(&x), x);
    let found = thrice(&x);
    same(&found.0, |at| 2.0 * x[at]);
    assert_eq!((&found.1, &found.2, found.3, found.4), (&found.0, &x, 1.5, 1.5));
    assert_eq!(nothing(), 6.0);
    unit(&x);
    same(&unused(&x, &Tensor::zeros([5]), 1.0), |at| -x[at]);
    assert!(unused::try_call(&x, &Tensor::zeros([4]), 1.0).is_err());
    near(&Tensor::<f32, 0>::from(one(&x).0), of_sums::<f32>(), |_| {
        x.iter().map(|x| f64::from(*x)).sum()
    });
    assert_eq!(extents(&Tensor::zeros([3, 0])), (3, 0));
    assert_eq!(rank_zero(&Tensor::from(0.0f32)).item(), 1.0);
}

#[defn]
fn order(place: Tensor<f32, buffers>, value: f32, error: f32, core: f32) -> Tensor<f32, buffers> {
    let workspace = place * value;
    let symbols = workspace + error;
    symbols * core
}

#[defn]
fn into(x: Tensor<f32, E>, option: f32) -> Tensor<f32, E> {
    x + option
}

#[defn]
fn explain(r#type: Tensor<f32, T>) -> Tensor<f32, T> {
    r#type * 2.0
}

#[defn]
fn x(y: f32) -> f32 {
    y + 1.0
}

#[test]
fn names_of_the_machinery_are_free() {
    let x = floats::<f32, 1>([3], 1);
    same(&order(&x, 2.0, 1.0, 3.0), |at| (x[at] * 2.0 + 1.0) * 3.0);
    let mut place = Tensor::zeros([3]);
    into::into(&x, 4.0, &mut place).unwrap();
    assert_eq!(into(&x, 4.0), place);
    same(&explain(&x), |at| x[at] * 2.0);
    assert!(explain::explain().contains("explain"));
    assert_eq!(self::x(1.0), 2.0);
}

macro_rules! family {
    ($($name:ident $element:ident $scale:literal)*) => {$(
        #[defn]
        fn $name(x: Tensor<$element, n>) -> Tensor<$element, n> {
            let y = x * $scale;
            y + y
        }
    )*};
}

family! { of_singles f32 1.5 of_longs i64 3 }

macro_rules! expression {
    ($name:ident, $value:expr) => {
        #[defn]
        fn $name(x: Tensor<f32, n>) -> Tensor<f32, n> {
            x * $value
        }
    };
}

expression!(by_a_sum, 1.0 + 2.0);

#[test]
fn macros_write_functions() {
    assert_eq!(of_singles(&Tensor::from(vec![1.0])).to_vec(), [3.0]);
    assert_eq!(of_longs(&Tensor::from(vec![2])).to_vec(), [12]);
    assert_eq!(by_a_sum(&Tensor::from(vec![2.0])).to_vec(), [6.0]);
}

/// Standing in a generic function.
fn generic_around<T: Into<f64>>(t: T) -> f64 {
    #[defn]
    fn inner(x: f64) -> f64 {
        x * x
    }
    inner(t.into())
}

#[test]
fn items_stand_anywhere() {
    assert_eq!(generic_around(3.0f32), 9.0);
    mod local {
        use defn::prelude::*;
        #[defn]
        pub(in crate::items) fn deep<T>(x: Tensor<T, n>) -> T
        where
            T: Float,
        {
            x.sum()
        }
    }
    assert_eq!(local::deep(&Tensor::from(vec![1.0f64, 2.0])), 3.0);
}

#[defn]
fn suffixes(
    x: Tensor<i64, n>,
    u: Tensor<u8, n>,
) -> (Tensor<i64, n>, f32, f64, Tensor<u8, n>, i32, i64) {
    let mut a = x + 0b101 - 0o17 + 0xff_i64;
    a %= 7;
    a <<= 2;
    a |= 1;
    a ^= 3;
    a &= !8i64;
    a >>= 1;
    (a, 1f32 + 2e-1, 2_f64 - 1.5, u * 3u8, -5i32, -9223372036854775808)
}

#[test]
fn literals_with_suffixes_and_every_assignment() {
    let x = Tensor::from(vec![-100i64, -1, 0, 5, 1 << 40]);
    let found = suffixes(&x, &Tensor::from(vec![0u8, 1, 2, 100, 255]));
    same(&found.0, |at| {
        let mut a = x[at] + 5 - 15 + 255;
        a %= 7;
        a <<= 2;
        a |= 1;
        a ^= 3;
        a &= !8;
        a >> 1
    });
    assert_eq!((found.1, found.2, found.4, found.5), (1.2, 0.5, -5, i64::MIN));
    assert_eq!(found.3.to_vec(), [0, 3, 6, 44, 253]);
}

#[defn]
struct State {
    position: Tensor<f64, { 3 }>,
    mass: f64,
    alive: bool,
}

#[defn]
fn step(s: &mut State, force: Tensor<f64, { 3 }>) -> (f64, State) {
    let old = s;
    s.position += force / s.mass;
    s.alive = s.alive & (s.position.max() < 10.0);
    (s.position.square().sum(), old)
}

#[test]
fn other_ways_to_call_with_containers() {
    let start = || State { position: Tensor::from(vec![1.0, 2.0, 3.0]), mass: 2.0, alive: true };
    let mut s = start();
    let (size, old) = step::try_call(&mut s, &Tensor::from(vec![2.0, 0.0, 40.0])).unwrap();
    assert_eq!(s.position.to_vec(), [2.0, 2.0, 23.0]);
    assert_eq!((size, s.alive, old.alive), (4.0 + 4.0 + 529.0, false, true));
    assert_eq!(old.position, start().position);
    let mut place = (0.0, State { position: Tensor::zeros([3]), mass: 0.0, alive: false });
    let mut s = start();
    step::into(&mut s, &Tensor::zeros([3]), &mut place).unwrap();
    assert_eq!((place.0, place.1.mass, place.1.alive), (14.0, 2.0, true));
    // What is refused has changed nothing.
    assert!(step::try_call(&mut s, &Tensor::zeros([4])).is_err());
    assert_eq!(s.position, start().position);
    assert!(step::workspace_bytes(&mut s, &Tensor::zeros([3])).is_ok());
}

#[test]
fn many_threads_call_at_once() {
    let x = floats::<f32, 1>([1000], 1);
    let expected = order(&x, 2.0, 1.0, 3.0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..50).for_each(|_| assert_eq!(order(&x, 2.0, 1.0, 3.0), expected)));
        }
    });
}
