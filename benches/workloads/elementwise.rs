//! Functions of each element: exponentials, sines, the price of options.

use defn::prelude::*;

use crate::inputs::{between, normal, scaled};
use crate::measure::{Stopwatch, Times, Verdict};
use crate::reference::{Near, check, constant, exact};

const COUNT: usize = 1_000_000;

#[defn]
pub(crate) fn exp(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x.exp()
}

pub(crate) fn exp_1m(stopwatch: &Stopwatch) -> Verdict<Times> {
    let x = normal([COUNT], 1);
    stopwatch.time(
        &x,
        |x| exp(x),
        exp::into,
        |y| check(y, &x.iter().map(|x| exact(*x).exp()).collect::<Vec<_>>()),
    )
}

#[defn]
fn sin(x: Tensor<f32, n>) -> Tensor<f32, n> {
    x.sin()
}

pub(crate) fn sin_1m(stopwatch: &Stopwatch) -> Verdict<Times> {
    let x = scaled([COUNT], 1, 100.0);
    stopwatch.time(
        &x,
        |x| sin(x),
        sin::into,
        |y| check(y, &x.iter().map(|x| exact(*x).sin()).collect::<Vec<_>>()),
    )
}

/// The distribution function of the standard normal distribution.
#[defn]
fn normal_cdf(x: f32) -> f32 {
    0.5 * (1.0 + (x * std::f32::consts::FRAC_1_SQRT_2).erf())
}

#[defn]
const RATE: f32 = 0.05;
#[defn]
const VOLATILITY: f32 = 0.2;

/// The price of European calls, by Black and Scholes.
#[defn]
fn black_scholes(
    spot: Tensor<f32, n>,
    strike: Tensor<f32, n>,
    time: Tensor<f32, n>,
) -> Tensor<f32, n> {
    let spread = VOLATILITY * time.sqrt();
    let d1 = ((spot / strike).ln() + (RATE + VOLATILITY * VOLATILITY / 2.0) * time) / spread;
    let d2 = d1 - spread;
    spot * normal_cdf(d1) - strike * (-RATE * time).exp() * normal_cdf(d2)
}

pub(crate) fn black_scholes_1m(stopwatch: &Stopwatch) -> Verdict<Times> {
    let (spot, strike) = (between([COUNT], 1, (10.0, 50.0)), between([COUNT], 2, (10.0, 50.0)));
    let time = between([COUNT], 3, (0.2, 2.0));
    let price = |i: usize| call_price(exact(spot[[i]]), exact(strike[[i]]), exact(time[[i]]));
    stopwatch.time(
        &(spot.clone(), strike.clone(), time.clone()),
        |(spot, strike, time)| black_scholes(spot, strike, time),
        |(spot, strike, time), y| black_scholes::into(spot, strike, time, y),
        |y| check(y, &(0..COUNT).map(price).collect::<Vec<_>>()),
    )
}

fn call_price(spot: Near, strike: Near, time: Near) -> Near {
    let (rate, volatility) = (constant(0.05), constant(0.2));
    let cdf = |x: Near| {
        constant(0.5) * (constant(1.0) + (x * constant(std::f64::consts::FRAC_1_SQRT_2)).erf())
    };
    let spread = volatility * time.sqrt();
    let drift = rate + volatility * volatility / constant(2.0);
    let d1 = ((spot / strike).ln() + drift * time) / spread;
    spot * cdf(d1) - strike * (-rate * time).exp() * cdf(d1 - spread)
}
