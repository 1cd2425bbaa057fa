//! Extents as text: `2*n + 1`, `floor(n / 2)`, `exact(n / 64)`, `root(n)`, in any form that the arithmetic of [`Dim`] brings into its normal form.

use super::symbol;
use crate::graph::Dim;
use crate::text::{Cursor, ParseError, Token};

/// More terms than any function has; what has more was not written by a printer and would take for ever to multiply out.
const MOST_TERMS: usize = 256;

/// An extent over `symbols`.
pub fn extent(cursor: &mut Cursor<'_>, symbols: &[String]) -> Result<Dim, ParseError> {
    cursor.nested(|cursor| sum(cursor, symbols))
}

fn sum(cursor: &mut Cursor<'_>, symbols: &[String]) -> Result<Dim, ParseError> {
    let mut sum =
        if cursor.eat("-") { -product(cursor, symbols)? } else { product(cursor, symbols)? };
    loop {
        let place = *cursor;
        if cursor.eat("+") {
            sum = sum + product(cursor, symbols)?;
        } else if cursor.eat("-") {
            sum = sum - product(cursor, symbols)?;
        } else {
            return Ok(sum);
        }
        if sum.terms().len() > MOST_TERMS {
            return Err(place.error(format!("an extent of more than {MOST_TERMS} terms")));
        }
    }
}

fn product(cursor: &mut Cursor<'_>, symbols: &[String]) -> Result<Dim, ParseError> {
    let mut product = factor(cursor, symbols)?;
    while cursor.peek() == Token::Mark("*") {
        let place = *cursor;
        cursor.advance();
        let next = factor(cursor, symbols)?;
        if product.terms().len() * next.terms().len() > MOST_TERMS {
            return Err(place.error(format!("an extent of more than {MOST_TERMS} terms")));
        }
        product = product * next;
    }
    Ok(product)
}

fn factor(cursor: &mut Cursor<'_>, symbols: &[String]) -> Result<Dim, ParseError> {
    let is_quotient = cursor.peek_second() == Token::Mark("(");
    match cursor.peek() {
        Token::Number(_) => number(cursor).map(Dim::from),
        Token::Mark("(") => {
            cursor.advance();
            let inner = extent(cursor, symbols)?;
            cursor.expect(")")?;
            Ok(inner)
        }
        Token::Word("floor") if is_quotient => {
            let (numerator, divisor) = quotient(cursor, symbols)?;
            Ok(numerator.floor_div(&divisor))
        }
        Token::Word("exact") if is_quotient => {
            let (numerator, divisor) = quotient(cursor, symbols)?;
            Ok(numerator.exact_div(&divisor))
        }
        Token::Word("largest") if is_quotient => {
            let mut all = Vec::new();
            cursor.advance();
            cursor.expect("(")?;
            loop {
                all.push(extent(cursor, symbols)?);
                if !cursor.eat(",") {
                    break;
                }
            }
            cursor.expect(")")?;
            Ok(Dim::largest(all))
        }
        Token::Word("root") if is_quotient => {
            cursor.advance();
            cursor.expect("(")?;
            let inner = extent(cursor, symbols)?;
            cursor.expect(")")?;
            Ok(inner.root())
        }
        Token::Word("reaches") if is_quotient => {
            cursor.advance();
            cursor.expect("(")?;
            let reaching = extent(cursor, symbols)?;
            cursor.expect(",")?;
            let is_below = cursor.eat("-");
            let bound = number(cursor)?;
            cursor.expect(")")?;
            Ok(reaching.reaches(if is_below { bound.wrapping_neg() } else { bound }))
        }
        Token::Word(_) => symbol(cursor, symbols).map(Dim::from),
        Token::Local(_) | Token::Text(_) | Token::Mark(_) | Token::End => {
            Err(cursor.expected("an extent"))
        }
    }
}

/// The magnitude of a coefficient; that of the smallest one wraps, and the minus in front of it wraps it back.
fn number(cursor: &mut Cursor<'_>) -> Result<i64, ParseError> {
    let here = *cursor;
    let magnitude: u64 = cursor.number()?.parse().map_err(|_| here.expected("an integer"))?;
    if magnitude > i64::MIN.unsigned_abs() {
        return Err(here.error("the integer does not fit 64 bits"));
    }
    Ok(magnitude.cast_signed())
}

fn quotient(cursor: &mut Cursor<'_>, symbols: &[String]) -> Result<(Dim, Dim), ParseError> {
    cursor.advance();
    cursor.expect("(")?;
    let numerator = extent(cursor, symbols)?;
    cursor.expect("/")?;
    let divisor = extent(cursor, symbols)?;
    cursor.expect(")")?;
    Ok((numerator, divisor))
}
