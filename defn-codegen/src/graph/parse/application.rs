//! A primitive applied to operands, as text: `reduce.max x axes=[1]`.

use super::{Operand, extent, graph_over, operand, operands};
use crate::arena::Id;
use crate::graph::{
    Binary, Branch, Callable, Combine, Comparison, Dim, Element, Equation, FunctionId, Graph, Keep,
    Op, Repeat, Rules, Scalar, Sliding, Times, Unary,
};
use crate::origin::Site;
use crate::text::{Cursor, ParseError, Token};

/// A primitive and its operands, as written.
pub(super) struct Applied<'t> {
    pub(super) op: Op,
    pub(super) operands: Vec<Operand<'t>>,
}

/// What stands behind the `=` of a line; `element` is what the line claims, for constants.
pub(super) fn application<'t>(
    cursor: &mut Cursor<'t>,
    symbols: &[String],
    element: Element,
) -> Result<Applied<'t>, ParseError> {
    let place = *cursor;
    let word = cursor.word("a primitive")?;
    match word {
        "constant" => {
            Ok(Applied { op: Op::Constant(scalar(cursor, element)?), operands: Vec::new() })
        }
        "extent" => Ok(Applied { op: Op::Extent(extent(cursor, symbols)?), operands: Vec::new() }),
        "call" => call(cursor, symbols),
        _ => {
            let operands = operands(cursor)?;
            let op = match attributes(word, cursor, symbols)? {
                Some(op) => op,
                None => elementwise(word)
                    .ok_or_else(|| place.error(format!("no primitive is called `{word}`")))?,
            };
            Ok(Applied { op, operands })
        }
    }
}

/// The primitives that are told apart by a word of a table, without attributes.
fn elementwise(word: &str) -> Option<Op> {
    Unary::from_word(word)
        .map(Op::Unary)
        .or_else(|| Binary::from_word(word).map(Op::Binary))
        .or_else(|| Comparison::from_word(word).map(Op::Compare))
}

/// The primitives with a word of their own, behind their operands; none for those of the tables.
fn attributes(
    word: &str,
    cursor: &mut Cursor<'_>,
    symbols: &[String],
) -> Result<Option<Op>, ParseError> {
    if let Some(combine) = word.strip_prefix("reduce.").and_then(Combine::from_word) {
        return Ok(Some(Op::Reduce { combine, axes: positions(cursor, "axes")? }));
    }
    if let Some(combine) = word.strip_prefix("scan.").and_then(Combine::from_word) {
        let axis = position(cursor, "axis")?;
        return Ok(Some(Op::Scan { combine, axis, reverse: cursor.eat_word("reverse") }));
    }
    if let Some(equation) = word.strip_prefix("implicit.") {
        return Ok(Equation::ALL
            .iter()
            .find(|it| it.word() == equation)
            .copied()
            .map(Op::Implicit));
    }
    Ok(Some(match word {
        "iota" => Op::Iota { axis: position(cursor, "axis")? },
        "select" => Op::Select,
        "convert" => Op::Convert,
        "broadcast" => Op::Broadcast { axes: positions(cursor, "axes")? },
        "transpose" => Op::Transpose { permutation: positions(cursor, "permutation")? },
        "reshape" => Op::Reshape,
        "slice" => Op::Slice { starts: extents(cursor, "starts", symbols)? },
        "pad" => {
            let low = extents(cursor, "low", symbols)?;
            Op::Pad { low, high: extents(cursor, "high", symbols)? }
        }
        "reverse" => Op::Reverse { axes: positions(cursor, "axes")? },
        "window" => Op::Window(sliding(cursor, symbols)?),
        "overlap_add" => Op::OverlapAdd(sliding(cursor, symbols)?),
        "concat" => Op::Concat { axis: position(cursor, "axis")? },
        "take" => Op::Take { batch: position(cursor, "batch")? },
        "add_at" => Op::AddAt { batch: position(cursor, "batch")? },
        "sort" => {
            let axis = position(cursor, "axis")?;
            Op::Sort { axis, descending: cursor.eat_word("descending") }
        }
        "argsort" => {
            let axis = position(cursor, "axis")?;
            name(cursor, "count")?;
            let count = extent(cursor, symbols)?;
            Op::Argsort { axis, descending: cursor.eat_word("descending"), count }
        }
        "contract" => {
            let batch = position(cursor, "batch")?;
            Op::Contract { batch, contracted: position(cursor, "contracted")? }
        }
        "repeat" => Op::Repeat(Box::new(repeat(cursor, symbols)?)),
        "branch" => {
            cursor.expect("{")?;
            let then = body(cursor, symbols)?;
            let otherwise = body(cursor, symbols)?;
            cursor.expect("}")?;
            Op::Branch(Box::new(Branch { then, otherwise }))
        }
        "inspect" => Op::Inspect(site(cursor)?),
        "project" => Op::Project(position(cursor, "index")?),
        _ => return Ok(None),
    }))
}

fn name(cursor: &mut Cursor<'_>, name: &str) -> Result<(), ParseError> {
    cursor.expect_word(name)?;
    cursor.expect("=")
}

fn position(cursor: &mut Cursor<'_>, attribute: &str) -> Result<usize, ParseError> {
    name(cursor, attribute)?;
    cursor.natural()
}

/// `site=3`.
fn site(cursor: &mut Cursor<'_>) -> Result<Site, ParseError> {
    let place = *cursor;
    let number = u32::try_from(position(cursor, "site")?);
    number.map(Site).map_err(|_| place.expected("the number of a site"))
}

fn positions(cursor: &mut Cursor<'_>, attribute: &str) -> Result<Vec<usize>, ParseError> {
    name(cursor, attribute)?;
    cursor.list("[", "]", Cursor::natural)
}

fn extents(
    cursor: &mut Cursor<'_>,
    attribute: &str,
    symbols: &[String],
) -> Result<Vec<Dim>, ParseError> {
    name(cursor, attribute)?;
    cursor.list("[", "]", |cursor| extent(cursor, symbols))
}

fn sliding(cursor: &mut Cursor<'_>, symbols: &[String]) -> Result<Sliding, ParseError> {
    let strides = extents(cursor, "strides", symbols)?;
    let axes = positions(cursor, "axes")?;
    Ok(Sliding { strides, axes, dilations: extents(cursor, "dilations", symbols)? })
}

fn repeat(cursor: &mut Cursor<'_>, symbols: &[String]) -> Result<Repeat, ParseError> {
    name(cursor, "times")?;
    let extent = match cursor.eat_word("while") {
        true => None,
        false => Some(extent(cursor, symbols)?),
    };
    let state = position(cursor, "state")?;
    let sequences = position(cursor, "sequences")?;
    let reverse = cursor.eat_word("reverse");
    let keep = keep(cursor)?;
    cursor.expect("{")?;
    let times = match extent {
        Some(extent) => Times::Extent(extent),
        None => Times::While(body(cursor, symbols)?),
    };
    let body = body(cursor, symbols)?;
    cursor.expect("}")?;
    Ok(Repeat { times, state, sequences, reverse, keep, body })
}

fn keep(cursor: &mut Cursor<'_>) -> Result<Keep, ParseError> {
    if cursor.eat_word("again") {
        return Ok(Keep::Again);
    }
    if cursor.peek() != Token::Word("inputs") {
        return Ok(Keep::Residuals);
    }
    let place = *cursor;
    let halvings = u32::try_from(position(cursor, "inputs")?);
    halvings.map(|halvings| Keep::Inputs { halvings }).map_err(|_| place.error("too many"))
}

fn body(cursor: &mut Cursor<'_>, symbols: &[String]) -> Result<Graph, ParseError> {
    cursor.nested(|cursor| graph_over(cursor, symbols))
}

fn call<'t>(cursor: &mut Cursor<'t>, symbols: &[String]) -> Result<Applied<'t>, ParseError> {
    let callee = callable(cursor)?;
    let mut passed = Vec::new();
    if cursor.peek() == Token::Mark("<") {
        passed = cursor.list("<", ">", |cursor| extent(cursor, symbols))?;
    }
    let operands = cursor.list("(", ")", operand)?;
    Ok(Applied { op: Op::Call { callee, symbols: passed }, operands })
}

/// A function of a program, or a transform of one.
fn callable(cursor: &mut Cursor<'_>) -> Result<Callable, ParseError> {
    let place = *cursor;
    let word = cursor.word("a function like `fn0`")?;
    if word == "custom" {
        return custom(cursor);
    }
    if !matches!(word, "grad" | "value_and_grad" | "jvp" | "vjp" | "jacobian" | "map") {
        return match function(word) {
            Some(function) => Ok(Callable::Function(function)),
            None => Err(place.expected("a function like `fn0`")),
        };
    }
    cursor.expect("[")?;
    name(cursor, if word == "map" { "of" } else { "wrt" })?;
    let mut leaves = Vec::new();
    if cursor.peek() != Token::Mark("]") {
        leaves.push(cursor.natural()?);
        while cursor.eat(",") {
            leaves.push(cursor.natural()?);
        }
    }
    cursor.expect("]")?;
    cursor.expect("(")?;
    let of = Box::new(cursor.nested(callable)?);
    cursor.expect(")")?;
    Ok(match word {
        "jvp" => Callable::Jvp { of, wrt: leaves },
        "vjp" => Callable::Vjp { of, wrt: leaves },
        "jacobian" => Callable::Jacobian { of, wrt: leaves },
        "map" => Callable::Map { of, mapped: leaves },
        _ => Callable::Gradient { of, wrt: leaves, value: word == "value_and_grad" },
    })
}

/// `fn3`.
fn function(word: &str) -> Option<FunctionId> {
    let number: Option<u32> = word.strip_prefix("fn").and_then(|digits| digits.parse().ok());
    number.map(|number| Id::new(number as usize))
}

/// `[grad=fn1,jvp=fn2](fn0)`.
fn custom(cursor: &mut Cursor<'_>) -> Result<Callable, ParseError> {
    let known = |cursor: &mut Cursor<'_>| {
        let place = *cursor;
        let found = function(cursor.word("a function like `fn0`")?);
        found.ok_or_else(|| place.expected("a function like `fn0`"))
    };
    let mut rules = Rules::default();
    cursor.expect("[")?;
    loop {
        if cursor.peek() == Token::Word("grad") {
            name(cursor, "grad")?;
            rules.gradient = Some(known(cursor)?);
        } else {
            name(cursor, "jvp")?;
            rules.jvp = Some(known(cursor)?);
        }
        if !cursor.eat(",") {
            break;
        }
    }
    cursor.expect("]")?;
    cursor.expect("(")?;
    let of = known(cursor)?;
    cursor.expect(")")?;
    Ok(Callable::Custom { of, rules })
}

/// A number of an element type: `-1.5`, `inf`, `true`, or its bits: `0x7fc00000 bits`.
pub fn scalar(cursor: &mut Cursor<'_>, element: Element) -> Result<Scalar, ParseError> {
    let place = *cursor;
    let negative = cursor.eat("-");
    let digits = match cursor.peek() {
        Token::Word(word @ ("inf" | "true" | "false")) => word,
        Token::Number(digits) => digits,
        Token::Word(_) | Token::Local(_) | Token::Text(_) | Token::Mark(_) | Token::End => {
            return Err(place.expected("a number"));
        }
    };
    cursor.advance();
    if cursor.eat_word("bits") {
        let bits =
            digits.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let bits = bits.filter(|_| !negative).ok_or_else(|| place.expected("bits like `0x7f`"))?;
        return Ok(Scalar { element, bits });
    }
    let written = if negative { format!("-{digits}") } else { digits.to_owned() };
    let bits = match element {
        Element::F64 => written.parse().ok().map(f64::to_bits),
        // Not through `f64`, which would round twice.
        Element::F32 => written.parse().ok().map(|value: f32| u64::from(value.to_bits())),
        // What is printed has the fewest digits that tell it from every other `f64`, and is a value of the type.
        Element::F16 | Element::Bf16 => {
            written.parse().ok().map(|value| Scalar::from_f64(element, value).bits)
        }
        Element::I32 => written.parse().ok().map(|value: i32| u64::from(value.cast_unsigned())),
        Element::I64 => written.parse().ok().map(i64::cast_unsigned),
        Element::U8 => written.parse().ok().map(|value: u8| u64::from(value)),
        Element::U32 => written.parse().ok().map(|value: u32| u64::from(value)),
        Element::U64 => written.parse().ok(),
        Element::Bool => written.parse().ok().map(|value: bool| u64::from(value)),
    };
    let bits = bits.ok_or_else(|| place.error(format!("`{written}` is no {element}")))?;
    Ok(Scalar { element, bits })
}
