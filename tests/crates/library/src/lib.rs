//! Functions, containers and constants that other crates of the tests use, by all ways that Rust has to name them.
//!
//! A function in a doctest stands in the body of a function:
//!
//! ```
//! use defn::prelude::*;
//!
//! #[defn]
//! #[derive(Clone)]
//! struct Point<n> {
//!     at: Tensor<f64, n>,
//! }
//! #[defn]
//! fn norm(p: Point<n>) -> f64 {
//!     defn_test_library::ops::square(p.at).sum()
//! }
//! let p = Point { at: Tensor::ones([3]) };
//! assert_eq!(norm(&p), 3.0);
//! assert_eq!(grad!(norm)(&p).at, Tensor::full([3], 2.0));
//! ```
//!
//! ```compile_fail
//! use defn::prelude::*;
//!
//! #[defn]
//! fn endless(x: Tensor<f64, n>) -> f64 {
//!     endless(x)
//! }
//! ```
#![deny(missing_docs, warnings)]
#![forbid(unsafe_code)]

/// Small ones.
pub mod ops {
    use defn::prelude::*;

    /// The identity, whose gradient is turned around. The rule is nobody else's.
    #[defn(grad = reversed)]
    pub fn turned<T: Float>(x: Tensor<T, n>) -> Tensor<T, n> {
        x
    }

    #[defn]
    fn reversed<T: Float>(x: Tensor<T, n>, y: Tensor<T, n>, c: Tensor<T, n>) -> Tensor<T, n> {
        0.0 * (x + y) - c
    }

    /// Each times itself.
    #[defn]
    pub fn square(x: Tensor<f64, n>) -> Tensor<f64, n> {
        x * x
    }

    /// Shares that add up to one.
    #[defn]
    pub fn softmax(x: Tensor<f64, n>) -> Tensor<f64, n> {
        let e = (x - x.max(n)).exp();
        e / e.sum(n)
    }
}

/// Mentions what stands behind it in the file, and one function by three paths.
pub mod early {
    use crate::ops;
    use defn::prelude::*;

    /// Four times the square, more or less.
    #[defn]
    pub fn far(x: Tensor<f64, n>) -> Tensor<f64, n> {
        crate::ops::square(x) + ops::square(x) + super::ops::square(x) + later(x)
    }

    /// Stands behind its caller.
    #[defn]
    pub fn later(x: Tensor<f64, n>) -> Tensor<f64, n> {
        x
    }
}

pub use early::far as renamed;
pub use hidden::visible;

mod hidden {
    use defn::prelude::*;

    /// Public by the re-export alone.
    #[defn]
    pub fn visible(x: Tensor<f64, n>) -> f64 {
        secret(x).sum()
    }

    /// Other crates cannot name it, and need its text.
    #[defn]
    fn secret(x: Tensor<f64, n>) -> Tensor<f64, n> {
        3.0 * x
    }
}

/// One of two with the same name.
pub mod first {
    use defn::prelude::*;

    /// The sum.
    #[defn]
    pub fn same(x: Tensor<f64, n>) -> f64 {
        x.sum()
    }
}

/// The other.
pub mod second {
    use defn::prelude::*;

    /// Twice the sum.
    #[defn]
    pub fn same(x: Tensor<f64, n>) -> f64 {
        2.0 * super::first::same(x)
    }
}

/// A glob of globs.
pub mod all {
    pub use super::ops::*;
    pub use super::second::*;
}

/// A model.
pub mod nn {
    use defn::prelude::*;

    /// An affine map with a factor that only this crate sees.
    #[defn]
    #[derive(Clone, Debug)]
    pub struct Dense<inp, out> {
        /// The matrix.
        pub w: Tensor<f64, inp, out>,
        /// The shift.
        pub b: Tensor<f64, out>,
        pub(crate) factor: f64,
    }

    /// Two of them.
    #[defn]
    #[derive(Clone, Debug)]
    pub struct Mlp {
        /// Below.
        pub l1: Dense<pixel<6>, hidden>,
        /// Above.
        pub l2: Dense<hidden, class<3>>,
    }

    /// How much a unit that sleeps still says.
    #[defn]
    pub const LEAK: f64 = 0.125;

    /// An image for each of a batch.
    #[defn]
    pub type Images<batch> = Tensor<f64, batch, pixel<6>>;

    #[defn]
    fn dense(p: Dense<inp, out>, x: Tensor<f64, batch, inp>) -> Tensor<f64, batch, out> {
        p.factor * x.dot(p.w, inp) + p.b
    }

    /// Softmax cross-entropy.
    #[defn]
    pub fn loss(p: Mlp, x: Images<batch>, y: Tensor<i32, batch>) -> f64 {
        let h = dense(p.l1, x);
        let z = dense(p.l2, h.max(LEAK * h).tanh());
        (z.logsumexp(class) - z.take(class, y)).mean()
    }

    /// A step of gradient descent; the loss before it.
    #[defn]
    pub fn step(p: &mut Mlp, x: Images<batch>, y: Tensor<i32, batch>, rate: f64) -> f64 {
        let (value, slope) = value_and_grad!(loss)(p, x, y);
        *p = p - rate * slope;
        value
    }

    /// Builds a container.
    #[defn]
    pub fn doubled(p: Dense<inp, out>) -> Dense<inp, out> {
        Dense { w: 2.0 * p.w, b: 2.0 * p.b, factor: p.factor }
    }

    /// A model of numbers that look random.
    pub fn model(hidden: usize) -> Mlp {
        let dense = |rows: usize, columns: usize, seed: f64| Dense {
            w: Tensor::from_fn([rows, columns], |[i, j]| ((7 * i + 3 * j) as f64 + seed).sin()),
            b: Tensor::from_fn([columns], |[j]| (j as f64 * seed).cos()),
            factor: 0.5,
        };
        Mlp { l1: dense(6, hidden, 0.3), l2: dense(hidden, 3, 0.8) }
    }

    /// Generic over its element type.
    #[defn]
    #[derive(Clone, Debug)]
    pub struct Weights<T: Float, n> {
        /// One for each.
        pub w: Tensor<T, n>,
    }

    /// A mean with weights.
    #[defn]
    pub fn weighted<T: Float>(p: Weights<T, n>, x: Tensor<T, n>) -> T {
        (p.w * x).sum() / p.w.sum()
    }
}

/// The number of tests that ran in a module that only tests have.
#[cfg(test)]
mod tests {
    use super::ops;
    use defn::prelude::*;

    #[defn]
    fn of_tests(x: Tensor<f64, n>) -> f64 {
        ops::softmax(x).sum()
    }

    #[test]
    fn a_function_of_tests_is_compiled() {
        assert!((of_tests(&Tensor::ones([5])) - 1.0).abs() < 1e-15);
    }
}

/// The line before the check of a function that other crates cannot name.
pub const CHECK: u32 = line!() + 6;

mod hooks {
    /// Shows and checks.
    #[defn::defn]
    pub fn root(x: Tensor<f64, n>) -> Tensor<f64, n> {
        check!((x >= 0.0).all(), "not negative");
        inspect!("root", x.sqrt())
    }
}

/// A root that is watched.
#[defn::defn]
pub fn watched(x: Tensor<f64, n>) -> Tensor<f64, n> {
    hooks::root(x)
}
