//! What the host sees and hears of while a function runs: `inspect!` and `check!`.
//!
//! This file is long because what is shown is compared for one function under every transform, and all of it is gathered alike.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::custom::root;
use defn::prelude::*;
use defn::{Error, Hooks, Inspected};

/// The label and the elements of every value that is shown, in order.
fn shown(run: impl FnOnce()) -> Vec<(&'static str, Vec<f64>)> {
    let all = RefCell::new(Vec::new());
    let keep = |value: &Inspected<'_>| {
        let elements = match value.element() {
            defn::ElementKind::I64 => {
                value.as_slice::<i64>().expect("numbers").iter().map(|it| *it as f64).collect()
            }
            _ => value.as_slice::<f64>().expect("floats").to_vec(),
        };
        all.borrow_mut().push((value.label(), elements));
    };
    let labels = ["a", "b", "c", "d"];
    let hooks = labels.iter().fold(Hooks::new(), |hooks, label| hooks.on(label, keep));
    // A function that does not have all labels is no mistake here.
    let _ = hooks.try_run(run);
    all.into_inner()
}

#[defn]
fn around(x: Tensor<f64, n>) -> f64 {
    let y = inspect!("a", x * 2.0) + 1.0;
    inspect!("b", y.sum(n));
    inspect!("a", x);
    y.sum(n)
}

#[test]
fn a_value_goes_on() {
    let x = Tensor::from([1.0f64, 2.0]);
    let found = shown(|| assert_eq!(around(&x), 8.0));
    assert_eq!(found, [("a", vec![2.0, 4.0]), ("b", vec![8.0]), ("a", vec![1.0, 2.0])]);
    let none = Tensor::<f64, 1>::zeros([0]);
    assert_eq!(
        shown(|| assert_eq!(around(&none), 0.0)),
        [("a", vec![]), ("b", vec![0.0]), ("a", vec![])]
    );
}

#[test]
fn what_nobody_looks_at_is_printed() {
    let x = Tensor::from([1.0f64, 2.0]);
    let text = RefCell::new(Vec::new());
    let first = |value: &Inspected<'_>| text.borrow_mut().push(value.to_string());
    Hooks::new().on("a", first).run(|| around(&x));
    let line = text.borrow()[0].clone();
    assert!(line.starts_with("a: f64[n 2], in `around` at tests/it/hooks.rs:"), "{line}");
    assert!(line.ends_with("\n[2. 4.]"), "{line}");
    // The rest went to the standard error.
    assert_eq!(around(&x), 8.0);
}

#[defn]
fn rounds(xs: Tensor<f64, time, n>) -> (Tensor<f64, n>, f64) {
    let mut s = xs.at(time, 0) * 0.0;
    let mut total = 0.0f64;
    for x in xs.along(time) {
        inspect!("a", x);
        s += x;
        if x.sum(n) > 10.0 {
            inspect!("b", x.sum(n));
            total += 1.0;
        } else {
            inspect!("c", total);
        }
    }
    let mut left = 2.0f64;
    while left > 0.0 {
        left = inspect!("d", left) - 1.0;
    }
    (s, total)
}

#[test]
fn once_for_each_round_and_only_if_taken() {
    let xs = Tensor::from([[1.0f64, 2.0], [10.0, 20.0], [3.0, 4.0]]);
    let found = shown(|| {
        let (s, total) = rounds(&xs);
        assert_eq!((s, total), (Tensor::from([14.0, 26.0]), 1.0));
    });
    let expected: [(&str, &[f64]); 8] = [
        ("a", &[1.0, 2.0]),
        ("c", &[0.0]),
        ("a", &[10.0, 20.0]),
        ("b", &[30.0]),
        ("a", &[3.0, 4.0]),
        ("c", &[1.0]),
        ("d", &[2.0]),
        ("d", &[1.0]),
    ];
    assert_eq!(found, expected.map(|(label, elements)| (label, elements.to_vec())));
}

/// The line of the check.
const CHECK: u32 = line!() + 4;

#[defn]
fn inner(x: f64) -> f64 {
    check!(x < 100.0, "too large");
    inspect!("a", x) * 2.0
}

#[defn]
fn outer(x: f64, y: &mut f64) -> f64 {
    inspect!("b", x);
    let twice = inner(x) + inner(x);
    *y = inspect!("c", twice);
    inner(twice)
}

#[test]
fn functions_that_call_functions() {
    let mut y = 0.0;
    let found = shown(|| assert_eq!(outer(1.0, &mut y), 8.0));
    let labels: Vec<_> = found.iter().map(|(label, elements)| (*label, elements[0])).collect();
    assert_eq!(labels, [("b", 1.0), ("a", 1.0), ("a", 1.0), ("c", 4.0), ("a", 4.0)]);
    assert_eq!(y, 4.0);
}

#[test]
fn a_check_says_where_it_stands() {
    let mut y = 0.0;
    let error = outer::try_call(30.0, &mut y).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "too large, in the call of `outer`\n  place: tests/it/hooks.rs:{CHECK}, in `inner`"
        )
    );
    // The code ran to its end.
    assert_eq!(y, 120.0);
    let panic = catch_unwind(AssertUnwindSafe(|| outer(30.0, &mut 0.0))).unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().starts_with("too large"));
    let mut place = 0.0;
    assert!(outer::into(30.0, &mut 0.0, &mut place).is_err());
    assert!(outer::into(20.0, &mut 0.0, &mut place).is_ok());
    assert_eq!(place, 160.0);
}

#[defn]
fn checked(x: Tensor<f64, n>, m: f64) -> Tensor<f64, n> {
    check!((x > 0.0).all(), "positive");
    check!(x.sum(n) < m, "small");
    let mut y = x;
    for i in 0..n {
        y = y * 1.5;
        if i == 2 {
            check!((y < m).all(), "small in a branch of a loop");
        }
        check!(y.sum(n) < 1000.0, "small in a loop");
    }
    y.sqrt()
}

fn message<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    match result {
        Err(Error::ConditionFailed(failed)) => failed.text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_check_that_fails_wins() {
    let call = |x: &[f64], m| checked::try_call(&Tensor::from_slice([x.len()], x).unwrap(), m);
    assert_eq!(message(call(&[-1.0, 50.0], 10.0)), "positive");
    assert_eq!(message(call(&[1.0, 50.0], 10.0)), "small");
    assert_eq!(message(call(&[2.0, 2.0, 2.0], 6.5)), "small in a branch of a loop");
    assert_eq!(message(call(&[400.0, 400.0], 1e9)), "small in a loop");
    assert_eq!(call(&[4.0], 100.0).unwrap(), Tensor::from([6.0f64.sqrt()]));
    assert!(call(&[], 1.0).unwrap().is_empty());
}

#[defn]
fn scalar(x: f64) -> f64 {
    check!(x != 3.0, "not three");
    check!(x < 5.0, "small");
    if x > 1.0 {
        check!(x != 2.0, "not two");
        x
    } else {
        -x
    }
}

#[defn]
fn lifted(x: Tensor<f64, n>) -> Tensor<f64, n> {
    check!(true, "never");
    scalar(x)
}

#[test]
fn of_mapped_and_lifted_functions_the_first_check_of_the_text_fails() {
    let mapped = |x: &Tensor<f64, 1>| vmap!(scalar, over = n)(x);
    type Call = dyn Fn(&Tensor<f64, 1>) -> Tensor<f64, 1>;
    for function in [&lifted as &Call, &mapped] {
        let call = |x: &Tensor<f64, 1>| catch_unwind(AssertUnwindSafe(|| function(x)));
        let message = |x: &[f64]| {
            let x = Tensor::from_slice([x.len()], x).unwrap();
            let panic = call(&x).unwrap_err();
            panic.downcast_ref::<String>().unwrap().split(',').next().unwrap().to_owned()
        };
        assert_eq!(message(&[1.0, 7.0, 3.0]), "not three");
        assert_eq!(message(&[1.0, 7.0, 2.0]), "small");
        assert_eq!(message(&[1.0, 2.0]), "not two");
        let x = Tensor::from([1.0f64, 4.0]);
        assert_eq!(call(&x).unwrap(), Tensor::from([-1.0, 4.0]));
        assert!(call(&Tensor::zeros([0])).unwrap().is_empty());
    }
}

#[defn]
fn lifted_too(x: Tensor<f64, n>) -> Tensor<f64, n> {
    inner(x)
}

#[test]
fn a_lifted_function_shows_everything_at_once() {
    let found =
        shown(|| assert_eq!(lifted_too(&Tensor::from([1.0, 3.0])), Tensor::from([2.0, 6.0])));
    assert_eq!(found, [("a", vec![1.0, 3.0])]);
}

#[defn]
fn one(x: Tensor<f64, n>, w: f64) -> f64 {
    inspect!("b", w);
    let y = inspect!("a", x * w);
    if y.sum(n) > 0.0 { inspect!("c", y.sum(n)) } else { 0.0 }
}

#[defn]
fn gram(x: Tensor<f64, batch, n>, w: f64) -> Tensor<f64, batch> {
    let y = vmap!(one, over = batch, of = x)(x, w);
    inspect!("d", y)
}

#[test]
fn a_map_shows_everything_at_once() {
    let x = Tensor::from([[1.0f64, 2.0], [-3.0, 1.0]]);
    let found = shown(|| assert_eq!(gram(&x, 2.0), Tensor::from([6.0, 0.0])));
    let expected: [(&str, &[f64]); 4] =
        [("b", &[2.0]), ("a", &[2.0, 4.0, -6.0, 2.0]), ("c", &[6.0, -4.0]), ("d", &[6.0, 0.0])];
    assert_eq!(found, expected.map(|(label, elements)| (label, elements.to_vec())));
    let shape = RefCell::new(Vec::new());
    let look = |value: &Inspected<'_>| {
        shape.replace(value.axes().zip(value.shape().iter().copied()).collect::<Vec<_>>());
    };
    Hooks::new().on("a", look).run(|| gram(&x, 2.0));
    assert_eq!(*shape.borrow(), [("", 2), ("n", 2)]);
}

#[defn]
fn steps(x: f64, n: usize) -> f64 {
    let mut y = x;
    for i in 0..n {
        y = inspect!("a", y.sin()) * 2.0;
        check!(i < 6, "few");
    }
    let mut left = 3.0f64;
    while left > 0.5 {
        y = inspect!("b", y.exp()).ln() * 1.5;
        left = left - 1.0;
    }
    if y > 0.0 { inspect!("c", y) * y } else { y }
}

#[test]
fn a_gradient_shows_every_value_once() {
    let plain = shown(|| _ = steps(0.3, 4));
    assert_eq!(plain.len(), 8);
    assert_eq!(shown(|| _ = grad!(steps)(0.3, 4)), plain);
    assert_eq!(shown(|| _ = value_and_grad!(steps)(0.3, 4)), plain);
    assert_eq!(shown(|| _ = grad!(grad!(steps))(0.3, 4)), plain);
    let panic = catch_unwind(|| grad!(steps)(0.3, 8)).unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().starts_with("few, in the call of"));
    let mapped =
        shown(|| drop(vmap!(grad!(steps), over = k, of = x)(&Tensor::from([0.3, 0.3]), 4)));
    assert_eq!(mapped.len(), 8);
    assert_eq!(mapped[0].1, [plain[0].1[0]; 2]);
}

#[defn]
struct Pair<n> {
    left: Tensor<f64, n>,
    right: f64,
}

#[defn]
fn parts(p: Pair<n>, k: usize) -> (Pair<n>, i64) {
    let p = inspect!("a", p);
    let (x, y) = inspect!("b", (p.right, p.left));
    check!(x < 100.0, "small");
    check!(y.sum(n) < 100.0, "small");
    (p, inspect!("c", k + 1) as i64)
}

#[test]
fn containers_are_shown_leaf_by_leaf() {
    let p = Pair { left: Tensor::from([1.0f64, 2.0]), right: 3.0 };
    let found = shown(|| assert_eq!(parts(&p, 4).1, 5));
    let expected: [(&str, &[f64]); 5] = [
        ("a.left", &[1.0, 2.0]),
        ("a.right", &[3.0]),
        ("b.0", &[3.0]),
        ("b.1", &[1.0, 2.0]),
        ("c", &[5.0]),
    ];
    assert_eq!(found, expected.map(|(label, elements)| (label, elements.to_vec())));
}

#[defn]
fn elements<T: Number>(x: Tensor<T, n>) -> Tensor<T, n> {
    inspect!("x", x + x)
}

#[defn]
fn truth(x: Tensor<f32, n>) -> Tensor<bool, n> {
    inspect!("x", x > 0.0)
}

#[test]
fn every_element_type() {
    let text = RefCell::new(String::new());
    let look = |value: &Inspected<'_>| {
        text.replace(value.to_string());
    };
    macro_rules! all {
        ($($element:ident)*) => { $({
            let x = Tensor::<$element, 1>::from_fn([3], |[k]| k as $element);
            let twice = Hooks::new().on("x", look).run(|| elements(&x));
            let (head, rest) = (concat!("x: ", stringify!($element), "[n 3], in `elements`"), &twice);
            assert!(text.borrow().starts_with(head), "{}", text.borrow());
            assert!(text.borrow().ends_with(&format!("\n{rest}")), "{}", text.borrow());
        })* };
    }
    all!(f32 f64 i32 i64 u8 u32 u64);
    Hooks::new().on("x", look).run(|| truth(&Tensor::from([1.0f32, -1.0])));
    assert!(text.borrow().ends_with("\n[ True False]"), "{}", text.borrow());
}

#[test]
fn hooks_in_hooks() {
    let x = Tensor::from([1.0f64, 2.0]);
    let (outer, inner) = (RefCell::new(0), RefCell::new(0));
    let count = |counter: &RefCell<i32>| *counter.borrow_mut() += 1;
    Hooks::new().on("a", |_| count(&outer)).on("b", |_| count(&outer)).run(|| {
        // What the inner one does not look at goes to the outer one.
        Hooks::new().on("b", |_| count(&inner)).run(|| around(&x));
        around(&x);
    });
    assert_eq!((*outer.borrow(), *inner.borrow()), (5, 1));
    // A hook that calls the function again does not see that.
    let calls = RefCell::new(0);
    let again = |_: &Inspected<'_>| {
        count(&calls);
        assert_eq!(around(&x), 8.0);
    };
    Hooks::new().on("b", again).run(|| around(&x));
    assert_eq!(*calls.borrow(), 1);
}

#[test]
fn a_panic_of_a_hook_is_that_of_the_call() {
    let x = Tensor::from([1.0f64, 2.0]);
    let seen = RefCell::new(0);
    let stop = |_: &Inspected<'_>| {
        *seen.borrow_mut() += 1;
        panic!("enough");
    };
    let call = || Hooks::new().on("a", stop).run(|| around(&x));
    let panic = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
    assert_eq!(*panic.downcast_ref::<&str>().unwrap(), "enough");
    // After the first no hook is called, and the hooks are gone.
    assert_eq!(*seen.borrow(), 1);
    assert_eq!(around(&x), 8.0);
}

#[test]
fn a_label_that_nothing_has_is_told() {
    let x = Tensor::from([1.0f64, 2.0]);
    let error = Hooks::new().on("sum", |_| {}).try_run(|| around(&x)).unwrap_err();
    assert_eq!(error.to_string(), "nothing that was called shows `sum`\n  shown: a, b");
    // Where nothing is called that shows anything, nobody can tell.
    assert_eq!(Hooks::new().on("sum", |_| {}).try_run(|| 7), Ok(7));
}

#[test]
fn other_threads_have_other_hooks() {
    let x = Tensor::from([1.0f64, 2.0]);
    let count = RefCell::new(0);
    Hooks::new().on("a", |_| *count.borrow_mut() += 1).run(|| {
        std::thread::scope(|scope| {
            scope.spawn(|| assert_eq!(around(&x), 8.0));
        });
        around(&x);
    });
    assert_eq!(*count.borrow(), 2);
}

#[defn]
fn large(x: Tensor<f32, n, m>) -> (Tensor<f32, n>, f32) {
    let y = inspect!("rows", (x * x).sum(m));
    check!(y.is_finite().all(), "finite");
    (y, inspect!("all", y.sum(n)))
}

#[test]
fn with_threads_and_views() {
    let x = Tensor::<f32, 2>::from_fn([300, 500], |[i, j]| ((i + j) % 7) as f32);
    let rows = RefCell::new(None);
    let keep = |value: &Inspected<'_>| {
        rows.replace(value.to_tensor::<f32, 1>());
    };
    let (y, _) = Hooks::new().on("rows", keep).run(|| large(&x.transposed()));
    assert_eq!(*rows.borrow(), Some(y));
    let mut x = x;
    x[[3, 5]] = f32::INFINITY;
    assert_eq!(message(large::try_call(&x)), "finite");
}

#[defn]
fn decided(x: f64) -> f64 {
    if false { inspect!("a", x) } else { x }
}

#[test]
fn hooks_that_are_never_met() {
    assert_eq!(shown(|| assert_eq!(decided(2.0), 2.0)), []);
    let unit = |x: f64| shown(move || assert_eq!(nothing(x), 1.0));
    assert_eq!(unit(1.0), []);
}

#[defn]
fn nothing(x: f64) -> f64 {
    inspect!("a", ());
    x
}

#[defn(nan_hunt)]
fn hunted(x: Tensor<f64, n>, w: f64) -> f64 {
    let y = x - 1.0;
    let z = y.sqrt();
    (z * w).sum(n) + quotient(w, w)
}

#[defn]
fn quotient(x: f64, y: f64) -> f64 {
    x / y
}

#[defn(nan_hunt)]
fn hunted_rounds(xs: Tensor<f64, time>, limit: f64) -> f64 {
    check!(limit > 0.0, "positive");
    let mut s = 1.0f64;
    for x in xs.along(time) {
        if x < limit {
            s += x.ln();
        }
    }
    s
}

#[defn(nan_hunt)]
fn slope(x: f64) -> f64 {
    (x * x).sqrt()
}

#[test]
fn a_hunt_names_the_first_operation_that_makes_a_nan() {
    let call = |x: &[f64], w| hunted::try_call(&Tensor::from_slice([x.len()], x).unwrap(), w);
    let failed = |result: Result<f64, Error>| match result {
        Err(Error::ConditionFailed(failed)) => (failed.text, failed.function, failed.round),
        other => panic!("{other:?}"),
    };
    assert_eq!(call(&[2.0, 5.0], 2.0), Ok(7.0));
    assert_eq!(failed(call(&[0.5, 5.0], 2.0)), ("`sqrt` makes a NaN", "hunted", None));
    assert_eq!(failed(call(&[f64::INFINITY], 0.0)), ("`mul` makes a NaN", "hunted", None));
    assert_eq!(failed(call(&[2.0], 0.0)), ("`div` makes a NaN", "quotient", None));
    // What came in as a NaN is nobody's.
    assert!(call(&[f64::NAN], 1.0).unwrap().is_nan());

    let call =
        |x: &[f64], w| hunted_rounds::try_call(&Tensor::from_slice([x.len()], x).unwrap(), w);
    assert_eq!(call(&[1.0, 1.0], 2.0), Ok(1.0));
    assert_eq!(
        failed(call(&[1.0, 9.0, -1.0], 2.0)),
        ("`log` makes a NaN", "hunted_rounds", Some(2))
    );
    assert_eq!(failed(call(&[1.0], -2.0)), ("positive", "hunted_rounds", None));

    assert_eq!(slope(0.0), 0.0);
    let panic = catch_unwind(|| grad!(slope)(0.0)).unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.contains("makes a NaN, in the call of `grad_slope`"), "{text}");
    assert!(text.contains("place: tests/it/hooks.rs:"), "{text}");
}

#[test]
fn every_derivative_shows_every_value_once() {
    let plain = shown(|| _ = steps(0.3, 4));
    let slope = grad!(steps)(0.3, 4);
    let near = |found: f64, expected: f64| {
        assert!((found - expected).abs() < 1e-12 * expected.abs(), "{found} {expected}");
    };
    assert_eq!(shown(|| near(jvp!(steps)(0.3, 4, 2.0).1, 2.0 * slope)), plain);
    assert_eq!(shown(|| assert_eq!(vjp!(steps)(0.3, 4, 2.0).1, 2.0 * slope)), plain);
    assert_eq!(shown(|| near(jacobian!(steps)(0.3, 4), slope)), plain);
    let second = grad!(grad!(steps))(0.3, 4);
    assert_eq!(shown(|| near(hessian!(steps)(0.3, 4), second)), plain);
    assert_eq!(shown(|| _ = jvp!(grad!(steps))(0.3, 4, 1.0)), plain);
    assert_eq!(shown(|| _ = grad!(jacobian!(steps))(0.3, 4)), plain);
    let calls: [fn(usize) -> f64; 4] = [
        |n| jvp!(steps)(0.3, n, 1.0).0,
        |n| vjp!(steps)(0.3, n, 1.0).0,
        |n| jacobian!(steps)(0.3, n),
        |n| hessian!(steps)(0.3, n),
    ];
    for call in calls {
        let panic = catch_unwind(|| call(8)).unwrap_err();
        assert!(panic.downcast_ref::<String>().unwrap().starts_with("few, in the call of"));
    }
}

#[defn]
fn turned(x: Tensor<f64, n>, w: Tensor<f64, m, n>) -> Tensor<f64, m> {
    let y = inspect!("a", x.dot(w, n)).tanh();
    check!((y < 0.9).all(), "small");
    let mut z = y;
    for i in 0..3 {
        z = z * z + inspect!("b", y);
    }
    z
}

#[defn]
fn derivatives(
    x: Tensor<f64, n>,
    w: Tensor<f64, m, n>,
    v: Tensor<f64, n>,
) -> (Tensor<f64, m, d_n<n>>, Tensor<f64, m>, Tensor<f64, n>) {
    let all = jacobian!(turned)(x, w);
    let (y, forward) = jvp!(turned)(x, w, v);
    let (_, backward) = vjp!(turned)(x, w, y);
    (all, forward, backward)
}

#[test]
fn all_derivatives_show_every_value_once() {
    // Fewer columns, fewer rows, and nothing at all.
    for (m, n) in [(3, 2), (2, 3), (2, 0), (0, 3), (1, 1)] {
        let x = Tensor::from_fn([n], |[j]| 0.1 + 0.2 * j as f64);
        let w = Tensor::from_fn([m, n], |[i, j]| 0.3 * i as f64 - 0.1 * j as f64);
        let v = Tensor::from_fn([n], |[j]| 1.0 - j as f64);
        let plain = shown(|| drop(turned(&x, &w)));
        assert_eq!(plain.len(), 4);
        let found = shown(|| {
            let all = jacobian!(turned)(&x, &w);
            assert_eq!(all.shape(), [m, n]);
            let gradients = |[i, j]: [usize; 2]| {
                let c = Tensor::from_fn([m], |[row]| f64::from(u8::from(row == i)));
                Hooks::new().on("a", |_| ()).on("b", |_| ()).run(|| vjp!(turned)(&x, &w, &c).1[[j]])
            };
            all.iter().zip(Tensor::from_fn([m, n], gradients).iter()).for_each(|(left, right)| {
                assert!((left - right).abs() < 1e-14, "{left} {right}");
            });
        });
        assert_eq!(found, plain);
        // One after the other, in a body.
        let found = shown(|| drop(derivatives(&x, &w, &v)));
        assert_eq!(found, [plain.as_slice(), &plain, &plain].concat());
        let xs = Tensor::from_fn([2, n], |[_, j]| x[[j]]);
        let mapped = shown(|| drop(vmap!(jacobian!(turned), over = k, of = x)(&xs, &w)));
        let twice = |(label, elements): &(&'static str, Vec<f64>)| (*label, elements.repeat(2));
        assert_eq!(mapped, plain.iter().map(twice).collect::<Vec<_>>());
    }
    let large = Tensor::from([9.0f64]);
    let panic = catch_unwind(|| jacobian!(turned)(&large, &Tensor::from([[1.0]]))).unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().starts_with("small, in the call of"));
    let error = derivatives::try_call(&large, &Tensor::from([[1.0]]), &large);
    assert_eq!(message(error), "small");
}

#[defn]
fn recomputed(x: Tensor<f64, n>, xs: Tensor<f64, time, n>) -> f64 {
    let mut h = checkpoint(inspect!("a", x.sin()) * x);
    let seen = checkpoint(for x in xs.along(time) {
        h = (inspect!("b", h) * x).sin() + x;
        check!((h < 8.0).all(), "small");
        h.sum(n)
    });
    for x in xs.along(time) {
        h = checkpoint({
            let y = inspect!("c", h * x);
            check!((y < 4.0).all(), "small again");
            y.cos()
        });
    }
    inspect!("d", (h * seen.sum()).sum(n))
}

#[test]
fn what_runs_again_is_not_shown_again() {
    let x = Tensor::from([0.5f64, 0.25, 1.0]);
    let xs = Tensor::from_fn([7, 3], |[i, j]| 0.1 * (i + 2 * j) as f64);
    let plain = shown(|| _ = recomputed(&x, &xs));
    assert_eq!(plain.len(), 16);
    let slope = grad!(recomputed)(&x, &xs);
    assert_eq!(shown(|| assert_eq!(grad!(recomputed)(&x, &xs), slope)), plain);
    assert_eq!(shown(|| assert_eq!(vjp!(recomputed)(&x, &xs, 1.0).1, slope)), plain);
    assert_eq!(shown(|| _ = jvp!(recomputed, wrt = xs)(&x, &xs, &xs)), plain);
    assert_eq!(shown(|| drop(hessian!(recomputed)(&x, &xs))), plain);
    let mapped = shown(|| {
        drop(vmap!(grad!(recomputed), over = k, of = xs)(
            &x,
            &Tensor::from_fn([1, 7, 3], |[_, i, j]| xs[[i, j]]),
        ));
    });
    let labels =
        |shown: &[(&'static str, Vec<f64>)]| shown.iter().map(|it| it.0).collect::<String>();
    assert_eq!(labels(&mapped), labels(&plain));
    for (by, text) in [(30.0, "small"), (5.0, "small again")] {
        let xs = xs.map(|it| by * it);
        let error = recomputed::try_call(&x, &xs);
        assert_eq!(message(error), text);
        let panic = catch_unwind(AssertUnwindSafe(|| grad!(recomputed)(&x, &xs))).unwrap_err();
        let found = panic.downcast_ref::<String>().unwrap();
        assert!(found.starts_with(&format!("{text}, in the call of")), "{found}");
    }
}

#[defn]
fn long(x: Tensor<f64, n<50>>, xs: Tensor<f64, time<400>>) -> f64 {
    let mut h = x;
    for s in xs.along(time) {
        h = (inspect!("a", h) * s).sin() + x;
        check!((h < 3.0).all(), "small");
    }
    inspect!("b", h.sum(n))
}

#[defn]
fn long_slope(x: Tensor<f64, n<50>>, xs: Tensor<f64, time<400>>) -> Tensor<f64, n<50>> {
    grad!(long)(x, xs)
}

#[defn(memory = "60 kB")]
fn long_slope_in(x: Tensor<f64, n<50>>, xs: Tensor<f64, time<400>>) -> Tensor<f64, n<50>> {
    grad!(long)(x, xs)
}

#[defn(nan_hunt, memory = "100 kB")]
fn long_hunted(x: Tensor<f64, n<50>>, xs: Tensor<f64, time<400>>) -> Tensor<f64, n<50>> {
    grad!(long)(x, xs)
}

#[test]
fn with_a_budget_of_memory() {
    let x = Tensor::from_fn([50], |[i]| 0.01 * i as f64);
    let xs = Tensor::from_fn([400], |[i]| 0.5 + 0.001 * i as f64);
    let plain = shown(|| _ = long(&x, &xs));
    assert_eq!(plain.len(), 401);
    let slope = long_slope(&x, &xs);
    assert!(long_slope::workspace_bytes(&x, &xs).unwrap() > 150_000);
    assert!(long_slope_in::workspace_bytes(&x, &xs).unwrap() <= 60_000);
    assert!(long_hunted::workspace_bytes(&x, &xs).unwrap() <= 100_000);
    // Whatever runs again, each state is shown where it is passed first.
    let shown_values = |call: fn(&Tensor<f64, 1>, &Tensor<f64, 1>) -> Tensor<f64, 1>| {
        shown(|| assert_eq!(call(&x, &xs), slope))
    };
    assert_eq!(shown_values(|x, xs| long_slope(x, xs)), plain);
    assert_eq!(shown_values(|x, xs| long_slope_in(x, xs)), plain);
    assert_eq!(shown_values(|x, xs| long_hunted(x, xs)), plain);
    let large = x.map(|it| 10.0 + it);
    assert_eq!(message(long_slope_in::try_call(&large, &xs)), "small");
}

#[defn]
fn rooted(x: Tensor<f64, n>) -> f64 {
    let y = root(inspect!("a", x));
    check!((y < 10.0).all(), "small");
    let mut s = inspect!("b", root(y.sum(n)));
    for x in x.along(n) {
        s += inspect!("c", root(x));
    }
    s
}

#[defn(nan_hunt)]
fn rooted_hunted(x: Tensor<f64, n>) -> Tensor<f64, n> {
    grad!(rooted)(x)
}

#[test]
fn around_functions_with_rules() {
    let x = Tensor::from([4.0f64, 9.0, 0.0]);
    let plain = shown(|| _ = rooted(&x));
    let expected: [(&str, &[f64]); 5] = [
        ("a", &[4.0, 9.0, 0.0]),
        ("b", &[5.0f64.sqrt()]),
        ("c", &[2.0]),
        ("c", &[3.0]),
        ("c", &[0.0]),
    ];
    assert_eq!(plain, expected.map(|(label, elements)| (label, elements.to_vec())));
    let slope = grad!(rooted)(&x);
    assert_eq!(slope[[2]], 0.0);
    let moved = |slope: &Tensor<f64, 1>| slope.iter().sum::<f64>();
    let ones = Tensor::from([1.0f64; 3]);
    assert_eq!(shown(|| drop(grad!(rooted)(&x))), plain);
    assert_eq!(shown(|| drop(jacobian!(rooted)(&x))), plain);
    let found = shown(|| {
        let tangent = jvp!(rooted)(&x, &ones).1;
        assert!((tangent - moved(&slope)).abs() < 1e-14);
    });
    assert_eq!(found, plain);
    assert_eq!(rooted_hunted(&x), slope);
    assert_eq!(message(rooted::try_call(&Tensor::from([121.0]))), "small");
    assert!(message(rooted_hunted::try_call(&Tensor::from([-1.0]))).contains("makes a NaN"));
}

/// Elimination, of which there are many at once.
#[defn]
fn solved(a: Tensor<f64, row<3>, column<3>>, b: Tensor<f64, row<3>>) -> Tensor<f64, row<3>> {
    let (mut a, mut x) = (a, b);
    for k in 0..3 {
        let (pivot, known) = (a.at(row, k), x.at(row, k));
        check!(pivot.at(column, k) != 0.0, "regular");
        let factor = a.at(column, k) / pivot.at(column, k);
        let others = iota(row = 3) != k;
        a = select(others, a - factor * pivot, a);
        x = select(others, x - factor * known, x);
        inspect!("a", x);
    }
    for k in 0..3 {
        x[k] = x.at(row, k) / a[(k, k)];
    }
    x
}

#[defn]
fn all_solved(
    a: Tensor<f64, system, row<3>, column<3>>,
    b: Tensor<f64, system, row<3>>,
) -> Tensor<f64, system, row<3>> {
    vmap!(solved, over = system)(a, b)
}

#[test]
fn many_small_problems_are_shown_together() {
    let count = 40;
    let entry =
        |[s, i, j]: [usize; 3]| if i == j { 4.0 } else { 0.1 * ((s + 2 * i + j) % 7) as f64 };
    let a = Tensor::from_fn([count, 3, 3], entry);
    let b = Tensor::from_fn([count, 3], |[s, i]| (s + i) as f64);
    let mut all = None;
    let together = shown(|| all = Some(all_solved(&a, &b)));
    let all = all.unwrap();
    let mut apart = vec![Vec::new(); 3];
    for s in 0..count {
        let one = Tensor::from_fn([3, 3], |[i, j]| a[[s, i, j]]);
        let right = Tensor::from_fn([3], |[i]| b[[s, i]]);
        let found = shown(|| {
            let x = solved(&one, &right);
            (0..3).for_each(|i| assert_eq!(all[[s, i]], x[[i]]));
        });
        apart.iter_mut().zip(found).for_each(|(all, (_, elements))| all.extend(elements));
    }
    assert_eq!(together, apart.into_iter().map(|elements| ("a", elements)).collect::<Vec<_>>());
    let mut a = a;
    a[[17, 0, 0]] = 0.0;
    assert_eq!(message(all_solved::try_call(&a, &b)), "regular");
}
