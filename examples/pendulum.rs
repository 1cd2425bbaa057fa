//! What a pendulum is made of, from how it swings: its simulation is differentiated, and descends to what was measured.
//!
//! ```text
//! cargo run --release --example pendulum
//! ```
//!
//! A motor swings a real pendulum up; angle and torque were measured 300 times a second. The simulation takes the torque and nothing else
//! of what was measured, so that an error at the end of four seconds is one of the first moment. Its 1,170 steps of Runge and Kutta are a
//! `for` of the compiled code, and `value_and_grad!` walks it back.
//! What comes out is a length that nobody told: from the pivot to the weight there is half a metre.

#![expect(clippy::print_stdout, reason = "an example speaks to whoever runs it")]

use defn::prelude::*;
use plotters::prelude::*;
use std::error::Error;

/// What is unknown. Length and inertia are positive, so that their logarithms are learned.
#[defn]
#[derive(Clone)]
struct Pendulum {
    log_length: f64,
    log_inertia: f64,
    drag: f64,
    friction: f64,
    offset: f64,
}

/// The acceleration by gravity, and by what is left of the torque beside friction.
#[defn]
fn acceleration(p: Pendulum, angle: f64, speed: f64, torque: f64) -> f64 {
    let lost = p.offset + p.drag * speed + p.friction * (speed / 0.1).tanh();
    (torque - lost) / p.log_inertia.exp() - 9.81 / p.log_length.exp() * angle.sin()
}

/// One step by the fourth order method of Runge and Kutta.
#[defn]
fn advanced(p: Pendulum, angle: f64, speed: f64, torque: f64, step: f64) -> (f64, f64) {
    let v1 = speed;
    let a1 = acceleration(p, angle, v1, torque);
    let v2 = speed + 0.5 * step * a1;
    let a2 = acceleration(p, angle + 0.5 * step * v1, v2, torque);
    let v3 = speed + 0.5 * step * a2;
    let a3 = acceleration(p, angle + 0.5 * step * v2, v3, torque);
    let v4 = speed + step * a3;
    let a4 = acceleration(p, angle + step * v3, v4, torque);
    (
        angle + step / 6.0 * (v1 + 2.0 * v2 + 2.0 * v3 + v4),
        speed + step / 6.0 * (a1 + 2.0 * a2 + 2.0 * a3 + a4),
    )
}

/// What was measured, at moments that are a step apart.
#[defn]
struct Run {
    angle: Tensor<f64, time>,
    torque: Tensor<f64, time>,
    step: f64,
}

/// The angle at each moment of a run, from rest where it began.
#[defn]
fn swing(p: Pendulum, run: Run) -> Tensor<f64, time> {
    let mut angle = run.angle.at(time, 0);
    let mut speed = 0.0_f64;
    for torque in run.torque.along(time) {
        let before = angle;
        (angle, speed) = advanced(p, angle, speed, torque, run.step);
        before
    }
}

/// The mean square of what simulation and measurement differ by.
#[defn]
fn loss(p: Pendulum, run: Run) -> f64 {
    (swing(p, run) - run.angle).square().mean()
}

/// What Adam remembers.
#[defn]
struct Moments {
    mean: Pendulum,
    square: Pendulum,
    count: f64,
}

/// A step of Adam (Kingma and Ba, 2015), in place; the loss before it.
#[defn]
fn adam(p: &mut Pendulum, m: &mut Moments, run: Run, rate: f64) -> f64 {
    let (value, slope) = value_and_grad!(loss)(p, run);
    m.count += 1.0;
    m.mean = 0.9 * m.mean + 0.1 * slope;
    m.square = 0.999 * m.square + 0.001 * slope * slope;
    let mean = m.mean / (1.0 - (0.9_f64).pow(m.count));
    let square = m.square / (1.0 - (0.999_f64).pow(m.count));
    *p = p - rate * mean / (square.sqrt() + 1e-12);
    value
}

const STEPS: usize = 2000;

fn main() -> Result<(), Box<dyn Error>> {
    let [time, angle, torque] = columns(include_str!("data/pendulum.csv"))?;
    let step = time.iter().last().ok_or("no rows")? / (time.len() - 1) as f64;
    let run = Run { angle, torque, step };
    let zeros =
        Pendulum { log_length: 0.0, log_inertia: 0.0, drag: 0.0, friction: 0.0, offset: 0.0 };
    let mut moments = Moments { mean: zeros.clone(), square: zeros, count: 0.0 };
    // As if it were 70 cm long and weighed 300 g.
    let mut model = Pendulum {
        log_length: 0.7_f64.ln(),
        log_inertia: 0.15_f64.ln(),
        drag: 0.05,
        friction: 0.1,
        offset: 0.0,
    };
    for count in 0..=STEPS {
        let rate = 0.02 * (1.0 - count as f64 / STEPS as f64);
        let value = adam(&mut model, &mut moments, &run, rate);
        if count % 250 == 0 {
            let length = model.log_length.exp();
            println!("after {count:4} steps: {:.3} rad off, length {length:.3} m", value.sqrt());
        }
    }

    let simulated = swing(&model, &run);
    let apart = loss(&model, &run).sqrt();
    let (length, inertia) = (model.log_length.exp(), model.log_inertia.exp());
    println!("length                  {length:.3} m");
    println!("inertia                 {inertia:.3} kg m²");
    println!("dry friction            {:.3} N m", model.friction);
    println!("drag                    {:.3} N m s", model.drag);
    println!("offset of the motor     {:.3} N m", model.offset);
    println!("error over {:.1} s        {apart:.3} rad", step * time.len() as f64);
    assert!(
        (length - 0.5).abs() < 0.015,
        "the pendulum is 0.5 m long, and was found to be {length}"
    );
    assert!(apart < 0.06, "the simulation follows the measurement, and was off by {apart}");

    let path = std::env::temp_dir().join("pendulum.svg");
    draw(&path, &time, &[("measured", &run.angle, BLACK), ("simulated", &simulated, RED)])?;
    println!("plot                    {}", path.display());
    Ok(())
}

/// The columns of a file below its first line.
fn columns<const COUNT: usize>(text: &str) -> Result<[Tensor<f64, 1>; COUNT], Box<dyn Error>> {
    let mut columns: [Vec<f64>; COUNT] = std::array::from_fn(|_| Vec::new());
    for line in text.lines().skip(1) {
        for (column, number) in columns.iter_mut().zip(line.split(',')) {
            column.push(number.parse()?);
        }
    }
    Ok(columns.map(|column| Tensor::from_fn([column.len()], |[row]| column[row])))
}

/// Curves over time, as a file.
fn draw(
    path: &std::path::Path,
    time: &Tensor<f64, 1>,
    curves: &[(&str, &Tensor<f64, 1>, RGBColor)],
) -> Result<(), Box<dyn Error>> {
    let root = SVGBackend::new(path, (800, 400)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .margin(10)
        .x_label_area_size(40)
        .y_label_area_size(50)
        .build_cartesian_2d(0.0..4.0, -2.5..3.5)?;
    chart.configure_mesh().x_desc("time in s").y_desc("angle in rad").draw()?;
    for (name, angles, color) in curves {
        let points = time.iter().copied().zip(angles.iter().copied());
        let line = chart.draw_series(LineSeries::new(points, color))?.label(*name);
        line.legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color));
    }
    chart.configure_series_labels().border_style(BLACK).draw()?;
    root.present()?;
    Ok(())
}
