//! What the operations compute, held against sums written out.

use super::{Axis, AxisRef, Bound, Tensor};
use crate::graph::build::Builder;
use crate::graph::eval::{Value, eval};
use crate::graph::{Dim, Element, Output, Scalar, TensorType};

fn value(element: Element, shape: &[usize], items: &[f64]) -> Value {
    Value {
        element,
        shape: shape.to_vec(),
        data: items.iter().map(|x| Scalar::from_f64(element, *x).bits).collect(),
    }
}

/// Runs an operation on arguments; axes are the first letters given.
fn run(
    arguments: &[(&str, Value)],
    op: impl Fn(&mut Builder, &[Tensor]) -> super::Result<Tensor>,
) -> (Vec<usize>, Vec<f64>, String) {
    let mut b = Builder::new("f");
    let tensors: Vec<Tensor> = arguments
        .iter()
        .map(|(axes, value)| {
            let names: Vec<Option<String>> =
                axes.chars().map(|c| (c != '_').then(|| c.to_string())).collect();
            let shape: Vec<Dim> = axes
                .chars()
                .zip(&value.shape)
                .map(|(c, n)| {
                    if c == '_' {
                        Dim::from(*n as i64)
                    } else {
                        Dim::from(b.symbol(&c.to_string()))
                    }
                })
                .collect();
            let node = b.parameter("x", TensorType::new(value.element, shape));
            Tensor::new(node, names)
        })
        .collect();
    let result = op(&mut b, &tensors).unwrap();
    let names: String = result.names.iter().map(|n| n.clone().unwrap_or("_".into())).collect();
    let graph = b.finish(vec![Output { node: result.node, updates: None }]);
    let values: Vec<Value> = arguments.iter().map(|(_, v)| v.clone()).collect();
    let out = eval(&graph, &values).unwrap().remove(0);
    let data =
        out.data.iter().map(|bits| Scalar { element: out.element, bits: *bits }.to_f64()).collect();
    (out.shape, data, names)
}
fn n(s: &str) -> AxisRef {
    AxisRef::Name(s.to_owned())
}
fn up(k: usize) -> Vec<f64> {
    (0..k).map(|x| x as f64).collect()
}
const F: Element = Element::F64;

#[test]
fn dot_batched() {
    // x[q h d] y[h k d] over d -> q h k
    let x = value(F, &[2, 3, 4], &up(24));
    let y = value(F, &[3, 5, 4], &up(60));
    let (shape, data, names) =
        run(&[("qhd", x), ("hkd", y)], |b, t| super::dot(b, &t[0], &t[1], &[n("d")]));
    assert_eq!((shape, names.as_str()), (vec![2, 3, 5], "qhk"));
    let mut want = vec![];
    for q in 0..2 {
        for h in 0..3 {
            for k in 0..5 {
                want.push(
                    (0..4)
                        .map(|d| ((q * 3 + h) * 4 + d) as f64 * ((h * 5 + k) * 4 + d) as f64)
                        .sum::<f64>(),
                );
            }
        }
    }
    assert_eq!(data, want);
    // Multiplying and summing says the same.
    let (_, again, names) = run(
        &[("qhd", value(F, &[2, 3, 4], &up(24))), ("hkd", value(F, &[3, 5, 4], &up(60)))],
        |b, t| {
            let p = super::arithmetic(b, crate::graph::Binary::Mul, &t[0], &t[1])?;
            super::sum(b, &p, &[n("d")])
        },
    );
    assert_eq!((again, names.as_str()), (want, "qhk"));
}
#[test]
fn take_batched() {
    // x[a v b] ids[i b] along v -> a i b
    let x = value(F, &[2, 3, 2], &up(12));
    let ids = value(Element::I32, &[4, 2], &[0., 1., 2., 0., 1., 1., 9., -5.]);
    let (shape, data, names) =
        run(&[("avb", x), ("ib", ids)], |b, t| super::take(b, &t[0], &n("v"), &t[1]));
    assert_eq!((shape, names.as_str()), (vec![2, 4, 2], "aib"));
    let id = [0, 1, 2, 0, 1, 1, 2, 0];
    let mut want = vec![];
    for a in 0..2 {
        for i in 0..4 {
            for bb in 0..2 {
                want.push(((a * 3 + id[i * 2 + bb]) * 2 + bb) as f64);
            }
        }
    }
    assert_eq!(data, want);
}
#[test]
fn add_at_batched() {
    let x = value(F, &[2, 3, 2], &up(12));
    let ids = value(Element::I64, &[4, 2], &[0., 1., 2., 0., 1., 1., 9., -5.]);
    let v = value(F, &[2, 4, 2], &up(16));
    // values given as [b, i, a]-permuted: here b=2,i=4,a=2
    let (shape, data, names) = run(&[("avb", x), ("ib", ids), ("bia", v)], |b, t| {
        super::add_at(b, &t[0], &n("v"), (&t[1], &t[2]))
    });
    assert_eq!((shape, names.as_str()), (vec![2, 3, 2], "avb"));
    let id = [0i64, 1, 2, 0, 1, 1, 9, -5];
    let mut want = up(12);
    for a in 0..2 {
        for i in 0..4 {
            for bb in 0..2 {
                let p = id[i * 2 + bb];
                if (0..3).contains(&p) {
                    want[(a * 3 + p as usize) * 2 + bb] += ((bb * 4 + i) * 2 + a) as f64;
                }
            }
        }
    }
    assert_eq!(data, want);
}
#[test]
fn positions() {
    let nan = f64::NAN;
    let (_, d, _) = run(
        &[(
            "ab",
            value(
                F,
                &[3, 3],
                &[
                    1.,
                    5.,
                    5.,
                    nan,
                    1.,
                    nan,
                    f64::NEG_INFINITY,
                    f64::NEG_INFINITY,
                    f64::NEG_INFINITY,
                ],
            ),
        )],
        |b, t| super::argmax(b, &t[0], &[n("b")]),
    );
    assert_eq!(d, [1., 0., 0.]);
    let (_, d, _) = run(&[("ab", value(F, &[2, 3], &[1., 2., 3., 4., 9., 4.]))], |b, t| {
        super::argmax(b, &t[0], &[n("b"), n("a")])
    });
    assert_eq!(d, [3.]); // b=1,a=1 -> 1*2+1
    let (_, d, _) =
        run(&[("ab", value(F, &[2, 0], &[]))], |b, t| super::argmin(b, &t[0], &[n("b")]));
    assert_eq!(d, [0., 0.]);
}
#[test]
fn reductions() {
    let i = f64::INFINITY;
    let x = || value(F, &[3, 2], &[0., 0., -i, -i, i, 1.]);
    let (_, d, _) = run(&[("ab", x())], |b, t| super::logsumexp(b, &t[0], &[n("b")]));
    assert!((d[0] - 2f64.ln()).abs() < 1e-15);
    assert_eq!(d[1..], [-i, i]);
    let (_, d, _) = run(&[("ab", value(F, &[2, 3], &[1., 2., 3., 4., 4., 4.]))], |b, t| {
        super::variance(b, &t[0], &[n("b")])
    });
    assert!((d[0] - 2. / 3.).abs() < 1e-15);
    assert_eq!(d[1..], [0.]);
    let (_, d, _) = run(&[("ab", value(F, &[2, 0], &[]))], |b, t| super::mean(b, &t[0], &[n("b")]));
    assert!(d[0].is_nan());
    let (_, d, _) = run(&[("ab", value(F, &[1, 2], &[1000., 1000.]))], |b, t| {
        super::softmax(b, &t[0], &[n("b")])
    });
    assert_eq!(d, [0.5, 0.5]);
}
#[test]
fn movement() {
    let (s, d, _) = run(&[("abc", value(F, &[2, 3, 2], &up(12)))], |b, t| {
        super::merge(b, &t[0], &[n("c"), n("a")], "m")
    });
    assert_eq!(s, [4, 3]);
    let mut want = vec![];
    for c in 0..2 {
        for a in 0..2 {
            for bb in 0..3 {
                want.push(((a * 3 + bb) * 2 + c) as f64);
            }
        }
    }
    assert_eq!(d, want);
    let (_, d, _) = run(&[("n", value(F, &[5], &up(5)))], |b, t| {
        let k = Tensor::scalar(b.number(Element::I64, -7.));
        super::roll(b, &t[0], &n("n"), &k)
    });
    assert_eq!(d, [2., 3., 4., 0., 1.]);
    for (start, want) in [(-3., [0., 1.]), (2., [2., 3.]), (99., [3., 4.])] {
        let (_, d, _) = run(
            &[("n", value(F, &[5], &up(5))), ("", value(Element::I64, &[], &[start]))],
            |b, t| {
                let two = Tensor::scalar(b.number(Element::I64, 2.));
                let end = super::arithmetic(b, crate::graph::Binary::Add, &t[1], &two)?;
                super::slice(
                    b,
                    &t[0],
                    &n("n"),
                    &Bound::Value(t[1].clone()),
                    Some(&Bound::Value(end)),
                )
            },
        );
        assert_eq!(d, want);
    }
    let (s, d, _) =
        run(&[("ab", value(F, &[2, 3], &up(6))), ("", value(Element::I64, &[], &[1.]))], |b, t| {
            super::at(b, &t[0], &n("b"), &Bound::Value(t[1].clone()))
        });
    assert_eq!((s, d), (vec![2], vec![1., 4.]));
    let (s, d, _) = run(&[("_", value(F, &[3], &up(3)))], |b, t| {
        super::broadcast(b, &t[0], &[Axis { name: Some("k".into()), extent: Dim::from(2) }])
    });
    assert_eq!((s, d), (vec![3, 2], vec![0., 0., 1., 1., 2., 2.]));
    let (_, d, _) =
        run(&[("n", value(F, &[3], &[2., -3., 0.5]))], |b, t| super::power(b, &t[0], -3));
    assert_eq!(d, [0.125, -1. / 27., 8.]);
}
#[test]
fn stretching() {
    let (s, d, _) = run(
        &[("__", value(F, &[2, 1], &[10., 20.])), ("__", value(F, &[1, 3], &up(3)))],
        |b, t| super::arithmetic(b, crate::graph::Binary::Add, &t[0], &t[1]),
    );
    assert_eq!((s, d), (vec![2, 3], vec![10., 11., 12., 20., 21., 22.]));
}
