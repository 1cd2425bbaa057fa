//! One argument for each position of a mapped axis, and all of them together.
//!
//! ```text
//! argument            positions 0, 1, 2                  together
//! [1.0, 2.0]          [1.0, 2.0] [0.5, 0.25] [-0.5, -1]  [[1.0, 2.0], [0.5, 0.25], [-0.5, -1.0]]
//! ```

use crate::graph::arbitrary::Case;
use crate::graph::eval::Value;
use crate::graph::{Element, Graph};

/// The bits of one element of a mapped argument: like those of the given one, but others for each position.
fn bits(element: Element, bits: u64, position: usize) -> u64 {
    let value = Value::from_bits(element, &[], vec![bits]);
    let step = position as f64;
    match element {
        Element::Bool => (bits + position as u64) % 2,
        Element::F64 | Element::F32 | Element::F16 | Element::Bf16 => {
            Value::number(element, value.to_f64()[0] * (1.0 - 0.75 * step)).data[0]
        }
        Element::I32 | Element::I64 | Element::U8 | Element::U32 | Element::U64 => {
            let number = value.to_i64()[0].wrapping_add(position as i64);
            Value::from_i64(element, &[], &[number]).data[0]
        }
    }
}

/// What is passed for one position of the mapped axis: elements in another order, and with other values.
fn element(argument: &Value, position: usize) -> Value {
    let mut data = argument.data.clone();
    let by = position % data.len().max(1);
    data.rotate_left(by);
    let data = data.into_iter().map(|it| bits(argument.element, it, position)).collect();
    Value::from_bits(argument.element, &argument.shape, data)
}

/// One behind the other along a new first axis; `like` says what each looks like.
pub fn stack(values: &[&Value], like: &Value) -> Value {
    let shape = [&[values.len()], like.shape.as_slice()].concat();
    Value::from_bits(like.element, &shape, values.iter().flat_map(|it| it.data.clone()).collect())
}

/// Arguments for each position of the mapped axis, and all of them together.
pub fn arguments(case: &Case, mapped: &[usize], extent: usize) -> (Vec<Vec<Value>>, Vec<Value>) {
    let each: Vec<Vec<Value>> = (0..extent)
        .map(|position| {
            let mut arguments = case.arguments.clone();
            mapped.iter().for_each(|it| arguments[*it] = element(&arguments[*it], position));
            arguments
        })
        .collect();
    let mut together = case.arguments.clone();
    for leaf in mapped {
        let values: Vec<&Value> = each.iter().map(|arguments| &arguments[*leaf]).collect();
        together[*leaf] = stack(&values, &case.arguments[*leaf]);
    }
    (each, together)
}

/// The parameters that may be mapped, of which `choice` takes some, but at least one.
pub fn chosen(graph: &Graph, choice: u64) -> Vec<usize> {
    let parameters = graph.parameters.iter().enumerate();
    let all: Vec<usize> = parameters
        .filter(|(_, parameter)| parameter.symbol.is_none())
        .map(|(position, _)| position)
        .collect();
    let some: Vec<usize> =
        all.iter().enumerate().filter(|(it, _)| choice >> it & 1 == 1).map(|(_, it)| *it).collect();
    if some.is_empty() { all } else { some }
}
