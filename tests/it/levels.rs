//! The same bits at every level of instructions.

use crate::support::{between, floats, network, noise};
use defn::prelude::*;
use std::process::Command;

#[defn]
fn functions<T: Float>(x: Tensor<T, n>) -> (Tensor<T, n>, Tensor<T, n>, Tensor<T, n>, T, T) {
    let wave = x.sin() * x.exp() + x.erf() - x.cbrt() * x.sigmoid();
    (wave, x.abs().pow(x), x.tan().atan() % 0.3, wave.sum(), (x * wave).mean())
}

#[defn]
fn energy(x: Tensor<f64, n>, a: Tensor<f64, n, m>) -> f64 {
    (x.dot(a, n).sinh() * 0.1).square().sum() + x.log1p().sum()
}

/// A digest of the bits of everything above.
fn digest() -> u64 {
    let mut state = 0;
    let mut eat = |bits: u64| state = noise(state ^ bits, 1);
    for [batch, pixel, hidden, class] in
        [[1, 1, 1, 1], [5, 7, 9, 3], [33, 17, 40, 10], [64, 64, 64, 64]]
    {
        let (x, w) = (floats([batch, pixel], 1), floats([pixel, hidden], 2));
        let found = network(&x, &w, &floats([hidden, class], 3));
        found.0.iter().for_each(|x| eat(u64::from(x.to_bits())));
        eat(u64::from(found.1.to_bits()));
        found.2.iter().for_each(|x| eat(u64::from(x.to_bits())));
    }
    for n in [0, 1, 3, 8, 15, 16, 17, 31, 100, 1000] {
        let found = functions(&floats::<f32, 1>([n], 4));
        found.bits().into_iter().for_each(&mut eat);
        let found = functions(&floats::<f64, 1>([n], 4));
        found.bits().into_iter().for_each(&mut eat);
        let x = between::<f64, 1>([n], 5, (0.0, 2.0));
        grad!(energy)(&x, &floats([n, 7], 6)).iter().for_each(|x| eat(x.to_bits()));
    }
    state
}

/// The bits of all results.
trait Bits {
    fn bits(&self) -> Vec<u64>;
}

macro_rules! bits {
    ($($type:ident)*) => {$(
        impl Bits for (Tensor<$type, 1>, Tensor<$type, 1>, Tensor<$type, 1>, $type, $type) {
            fn bits(&self) -> Vec<u64> {
                let tensors = [&self.0, &self.1, &self.2];
                let elements = tensors.into_iter().flat_map(Tensor::iter).chain([&self.3, &self.4]);
                elements.map(|x| x.to_bits().into()).collect()
            }
        }
    )*};
}

bits! { f32 f64 }

/// The variable that turns a run of this binary into a child that prints its digest.
const CHILD: &str = "DEFN_TEST_DIGEST";

#[test]
fn results_have_the_same_bits_at_every_level() {
    let own = digest();
    if std::env::var_os(CHILD).is_some() {
        println!("digest {own:016x}");
        return;
    }
    let program = std::env::current_exe().unwrap();
    let best = defn::Level::current().unwrap();
    for level in ["v3", "v4", "neon"] {
        let output = Command::new(&program)
            .args(["--exact", "levels::results_have_the_same_bits_at_every_level", "--nocapture"])
            .env(CHILD, "1")
            .env("DEFN_LEVEL", level)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let reachable = match best.word() {
            "v4" => level != "neon",
            best => level == best,
        };
        assert_eq!(output.status.success(), reachable, "{level}: {text}");
        assert_eq!(text.contains(&format!("digest {own:016x}")), reachable, "{level}: {text}");
    }
}
