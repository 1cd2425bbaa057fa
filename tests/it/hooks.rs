//! What the host sees and hears of while a function runs: `inspect!` and `check!`.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

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
