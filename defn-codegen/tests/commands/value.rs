//! Tensors as text: `1.5`, `[[1, 2], [3, 4]]`, `nan`, `zeros[0, 3]`.

use defn_codegen::graph::eval::Value;
use defn_codegen::graph::parse::scalar;
use defn_codegen::graph::{Element, Scalar};
use defn_codegen::text::{Cursor, ParseError, Token};

/// Values of these element types, with commas in between.
pub(crate) fn values(
    cursor: &mut Cursor<'_>,
    elements: &[Element],
) -> Result<Vec<Value>, ParseError> {
    let mut found = Vec::new();
    for (position, element) in elements.iter().enumerate() {
        if position > 0 {
            cursor.expect(",")?;
        }
        found.push(value(cursor, *element)?);
    }
    Ok(found)
}

/// One value of this element type.
pub(crate) fn value(cursor: &mut Cursor<'_>, element: Element) -> Result<Value, ParseError> {
    if cursor.eat_word("zeros") {
        let shape = cursor.list("[", "]", Cursor::natural)?;
        return Ok(Value::zeros(element, &shape));
    }
    let place = *cursor;
    let (mut shape, mut data) = (Vec::new(), Vec::new());
    nested(cursor, element, 0, (&mut shape, &mut data))?;
    if shape.iter().product::<usize>() != data.len() {
        return Err(place.error("rows of different lengths"));
    }
    Ok(Value::from_bits(element, &shape, data))
}

fn nested(
    cursor: &mut Cursor<'_>,
    element: Element,
    depth: usize,
    (shape, data): (&mut Vec<usize>, &mut Vec<u64>),
) -> Result<(), ParseError> {
    if cursor.peek() != Token::Mark("[") {
        let nan = cursor.eat_word("nan").then(|| Scalar::from_f64(element, f64::NAN));
        data.push(nan.map_or_else(|| scalar(cursor, element), Ok)?.bits);
        return Ok(());
    }
    let place = *cursor;
    // The first row of each depth says how long all of them are.
    let is_first = shape.len() == depth;
    if is_first {
        shape.push(0);
    }
    let row = |cursor: &mut Cursor<'_>| nested(cursor, element, depth + 1, (shape, data));
    let rows = cursor.list("[", "]", row)?.len();
    if is_first {
        shape[depth] = rows;
    }
    if shape[depth] == rows { Ok(()) } else { Err(place.error("rows of different lengths")) }
}
