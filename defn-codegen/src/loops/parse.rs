//! From the dump language to loops.
//!
//! ```text
//! loops    = "loops" name ["<" symbol, … ">"] "workspace" extent ["private" extent] "{" buffer… nest… "}"
//! buffer   = "buffer" name ":" element "[" extent, … "]" ["lanes" w] "=" space
//! space    = ("parameter" | "updated" | "result") k | ("workspace" | "private" | "shared") ["at" extent]
//! nest     = "nest" k ["cut" extent] ["threads" k] ["tasks" extent ["over" k "front" extent]] "{" statement… "}"
//!          | ("repeat" i "in" "0" ".." extent | "loop" i) "{" nest… "}" | "leave" "unless" name
//!          | "if" name "{" nest… "}" ["else" "{" nest… "}"]
//! statement= "for" i "in" "0" ".." (extent | "min" "(" extent "," part + … ")") ["parallel" | "lanes" w] "{" statement… "}"
//!          | "let" %k ":" element "=" expr | "var" $k ":" element ["lanes" w] "=" expr | $k "=" expr
//!          | "store" place "=" expr | "sync" | "if" expr "{" statement… "}"
//! place    = name "[" part + … "]"
//! part     = i | "(" extent ")" "*" i | "(" extent ")" "*" "@" "(" expr ")" | extent, which comes last
//! expr     = element "(" scalar ")" | %k | $k | "combine." word $k | "pos" "(" part + … ")" | "load" place
//!          | "shift." k "(" expr "," element "(" scalar ")" ")" | word "(" expr, … ")"
//! ```
//!
//! [`parse`] of what [`print`](mod@super::print) writes is the same program.
//! Nothing here panics, whatever the text is.

use super::mma::Shape;
use super::print::variable_prefix;
use super::{
    Address, Buffer, BufferId, Control, Expr, For, Loops, Manner, Mma, Nest, RegisterId, Space,
    Statement, Tasks, ValueId, VariableId,
};
use crate::arena::Arena;
use crate::graph::parse::{extent, scalar};
use crate::graph::{Binary, Combine, Comparison, Dim, Element, Unary};
use crate::origin::Site;
use crate::text::{Cursor, ParseError, Token};

/// The loops that a text describes.
pub fn parse(text: &str) -> Result<Loops, ParseError> {
    let mut cursor = Cursor::new(text);
    cursor.expect_word("loops")?;
    let name = cursor.word("the name of the function")?.to_owned();
    let mut symbols = Vec::new();
    if cursor.peek() == Token::Mark("<") {
        symbols = cursor.list("<", ">", |cursor| Ok(cursor.word("a symbol")?.to_owned()))?;
    }
    cursor.expect_word("workspace")?;
    let workspace = extent(&mut cursor, &symbols)?;
    let has_private = cursor.eat_word("private");
    let private = if has_private { extent(&mut cursor, &symbols)? } else { Dim::default() };
    cursor.expect("{")?;
    let prefix = variable_prefix(&symbols);
    let mut reader = Reader { symbols, prefix, buffers: Arena::default() };
    while cursor.eat_word("buffer") {
        let buffer = reader.buffer(&mut cursor)?;
        reader.buffers.push(buffer);
    }
    let mut nests = Vec::new();
    reader.nests(&mut cursor, &mut nests)?;
    cursor.end()?;
    let Reader { symbols, prefix: _, buffers } = reader;
    Ok(Loops { name, symbols, buffers, nests, workspace, private })
}

struct Reader {
    symbols: Vec<String>,
    /// What names of variables begin with.
    prefix: String,
    buffers: Arena<Buffer>,
}

impl Reader {
    fn extent(&self, cursor: &mut Cursor<'_>) -> Result<Dim, ParseError> {
        extent(cursor, &self.symbols)
    }

    /// Nests and markers, up to the brace behind them.
    fn nests(&self, cursor: &mut Cursor<'_>, nests: &mut Vec<Nest>) -> Result<(), ParseError> {
        while !cursor.eat("}") {
            if cursor.eat_word("nest") {
                cursor.natural()?;
                let is_cut = cursor.eat_word("cut");
                let cut = if is_cut { self.extent(cursor)? } else { Dim::default() };
                let threads = if cursor.eat_word("threads") { width(cursor)? } else { 1 };
                let has_tasks = cursor.eat_word("tasks");
                let tasks = if has_tasks { Some(self.tasks(cursor)?) } else { None };
                nests.push(Nest { threads, cut, tasks, ..Nest::new(self.block(cursor)?) });
                continue;
            }
            let control = self.control(cursor)?;
            let opens = control.opens();
            nests.push(Nest::marker(control));
            if !opens {
                continue;
            }
            cursor.expect("{")?;
            cursor.nested(|cursor| self.nests(cursor, nests))?;
            if cursor.eat_word("else") {
                nests.push(Nest::marker(Control::Else));
                cursor.expect("{")?;
                cursor.nested(|cursor| self.nests(cursor, nests))?;
            }
            nests.push(Nest::marker(Control::End));
        }
        Ok(())
    }

    fn control(&self, cursor: &mut Cursor<'_>) -> Result<Control, ParseError> {
        if cursor.eat_word("repeat") {
            let variable = self.counted(cursor)?;
            zero(cursor)?;
            return Ok(Control::Repeat { variable, extent: self.extent(cursor)? });
        }
        if cursor.eat_word("loop") {
            return Ok(Control::Loop { variable: self.counted(cursor)? });
        }
        if cursor.eat_word("leave") {
            cursor.expect_word("unless")?;
            return Ok(Control::Leave { unless: self.buffer_name(cursor)? });
        }
        if cursor.eat_word("if") {
            return Ok(Control::If { condition: self.buffer_name(cursor)? });
        }
        if cursor.eat_word("inspect") {
            let buffer = self.buffer_name(cursor)?;
            cursor.expect_word("site")?;
            cursor.expect("=")?;
            let place = *cursor;
            let site = u32::try_from(cursor.natural()?);
            let site = site.map_err(|_| place.expected("the number of a site"))?;
            return Ok(Control::Inspect { buffer, site: Site(site) });
        }
        Err(cursor.expected("`nest`, `repeat`, `loop`, `leave`, `if` or `inspect`"))
    }

    fn tasks(&self, cursor: &mut Cursor<'_>) -> Result<Tasks, ParseError> {
        let whole = self.extent(cursor)?;
        if !cursor.eat_word("over") {
            return Ok(Tasks { loops: 1, whole, front: Dim::default() });
        }
        let loops = cursor.natural()?;
        cursor.expect_word("front")?;
        Ok(Tasks { loops, whole, front: self.extent(cursor)? })
    }

    fn buffer(&self, cursor: &mut Cursor<'_>) -> Result<Buffer, ParseError> {
        let name = cursor.word("the name of a buffer")?.to_owned();
        cursor.expect(":")?;
        let element = element(cursor)?;
        let shape = cursor.list("[", "]", |cursor| self.extent(cursor))?;
        let lanes = if cursor.eat_word("lanes") { width(cursor)? } else { 1 };
        cursor.expect("=")?;
        let space = if cursor.eat_word("parameter") {
            Space::Parameter(cursor.natural()?)
        } else if cursor.eat_word("updated") {
            Space::Updated(cursor.natural()?)
        } else if cursor.eat_word("result") {
            Space::Result(cursor.natural()?)
        } else if cursor.eat_word("workspace") {
            Space::Workspace(self.offset(cursor)?)
        } else if cursor.eat_word("private") {
            Space::Private(self.offset(cursor)?)
        } else if cursor.eat_word("shared") {
            Space::Shared(self.offset(cursor)?)
        } else {
            let spaces = "`parameter`, `updated`, `result`, `workspace`, `private` or `shared`";
            return Err(cursor.expected(spaces));
        };
        Ok(Buffer { name, element, shape, lanes, space })
    }

    fn offset(&self, cursor: &mut Cursor<'_>) -> Result<Option<Dim>, ParseError> {
        let is_planned = cursor.eat_word("at");
        if is_planned { self.extent(cursor).map(Some) } else { Ok(None) }
    }

    fn block(&self, cursor: &mut Cursor<'_>) -> Result<Vec<Statement>, ParseError> {
        cursor.expect("{")?;
        let mut statements = Vec::new();
        while !cursor.eat("}") {
            statements.push(cursor.nested(|cursor| self.statement(cursor))?);
        }
        Ok(statements)
    }

    fn statement(&self, cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
        if cursor.eat_word("for") {
            return self.repeat(cursor);
        }
        if cursor.eat_word("let") {
            let value = value(cursor)?;
            cursor.expect(":")?;
            let element = element(cursor)?;
            cursor.expect("=")?;
            return Ok(Statement::Let { value, element, expr: self.expr(cursor)? });
        }
        if cursor.eat_word("var") {
            let register = register(cursor)?;
            cursor.expect(":")?;
            let element = element(cursor)?;
            let lanes = if cursor.eat_word("lanes") { width(cursor)? } else { 1 };
            cursor.expect("=")?;
            return Ok(Statement::Declare {
                register,
                element,
                lanes,
                initial: self.expr(cursor)?,
            });
        }
        if cursor.eat_word("store") {
            let (buffer, address) = self.place(cursor)?;
            cursor.expect("=")?;
            return Ok(Statement::Store { buffer, address, expr: self.expr(cursor)? });
        }
        if let Some(shape) = eat_mma(cursor) {
            return self.mma(shape, cursor);
        }
        if cursor.eat_word("sync") {
            return Ok(Statement::Sync);
        }
        if cursor.eat_word("if") {
            let condition = self.expr(cursor)?;
            return Ok(Statement::If { condition, body: self.block(cursor)? });
        }
        if cursor.peek() != Token::Mark("$") {
            return Err(cursor.expected("a statement"));
        }
        let register = register(cursor)?;
        cursor.expect("=")?;
        Ok(Statement::Set { register, expr: self.expr(cursor)? })
    }

    /// `($0, $1) += (%0) * (%1)`
    fn mma(&self, shape: Shape, cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
        let sums = list(cursor, &mut register)?;
        cursor.expect("+")?;
        cursor.expect("=")?;
        let left = list(cursor, &mut |cursor| self.expr(cursor))?;
        cursor.expect("*")?;
        let right = list(cursor, &mut |cursor| self.expr(cursor))?;
        Ok(Statement::Mma(Mma { shape, sums, left, right }))
    }

    fn repeat(&self, cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
        let variable = self.counted(cursor)?;
        zero(cursor)?;
        let (extent, clip) = self.count(cursor)?;
        let manner = if cursor.eat_word("parallel") {
            Manner::Parallel
        } else if cursor.eat_word("lanes") {
            Manner::Lanes(width(cursor)?)
        } else if cursor.eat_word("sorted") {
            Manner::Sorted
        } else {
            Manner::Serial
        };
        Ok(Statement::For(For { variable, extent, clip, manner, body: self.block(cursor)? }))
    }

    /// The variable of a loop.
    fn counted(&self, cursor: &mut Cursor<'_>) -> Result<VariableId, ParseError> {
        self.variable(cursor).ok_or_else(|| cursor.expected("a variable"))
    }

    /// How often a loop runs: an extent, or the smaller of an extent and a position.
    fn count(&self, cursor: &mut Cursor<'_>) -> Result<(Dim, Option<Address>), ParseError> {
        let mut ahead = *cursor;
        let is_clipped = ahead.eat_word("min") && ahead.peek() == Token::Mark("(");
        if !is_clipped {
            return Ok((self.extent(cursor)?, None));
        }
        *cursor = ahead;
        cursor.expect("(")?;
        let extent = self.extent(cursor)?;
        cursor.expect(",")?;
        let clip = self.sum(cursor)?;
        cursor.expect(")")?;
        Ok((extent, Some(clip)))
    }

    /// Takes a variable, if one is next.
    fn variable(&self, cursor: &mut Cursor<'_>) -> Option<VariableId> {
        let Token::Word(word) = cursor.peek() else { return None };
        let number = word.strip_prefix(&self.prefix)?.parse().ok()?;
        cursor.advance();
        Some(VariableId(number))
    }

    fn buffer_name(&self, cursor: &mut Cursor<'_>) -> Result<BufferId, ParseError> {
        let here = *cursor;
        let name = cursor.word("the name of a buffer")?;
        let found = self.buffers.iter().find(|(_, buffer)| buffer.name == name);
        match found {
            Some((buffer, _)) => Ok(buffer),
            None => Err(here.error(format!("there is no buffer `{name}`"))),
        }
    }

    fn place(&self, cursor: &mut Cursor<'_>) -> Result<(BufferId, Address), ParseError> {
        let buffer = self.buffer_name(cursor)?;
        cursor.expect("[")?;
        let address = self.sum(cursor)?;
        cursor.expect("]")?;
        Ok((buffer, address))
    }

    fn sum(&self, cursor: &mut Cursor<'_>) -> Result<Address, ParseError> {
        let mut sum = Address::default();
        loop {
            let is_last = self.part(cursor, &mut sum)?;
            if is_last || !cursor.eat("+") {
                return Ok(sum);
            }
        }
    }

    /// One part of a sum; whether it was the constant, behind which nothing stands.
    fn part(&self, cursor: &mut Cursor<'_>, address: &mut Address) -> Result<bool, ParseError> {
        if let Some(variable) = self.variable(cursor) {
            address.add_term(variable, &Dim::from(1));
        } else if cursor.eat("(") {
            let coefficient = self.extent(cursor)?;
            cursor.expect(")")?;
            cursor.expect("*")?;
            if cursor.eat("@") {
                cursor.expect("(")?;
                let expr = self.expr(cursor)?;
                cursor.expect(")")?;
                address.computed.push((expr, coefficient));
            } else if let Some(variable) = self.variable(cursor) {
                address.add_term(variable, &coefficient);
            } else {
                return Err(cursor.expected("a variable or `@`"));
            }
        } else {
            address.constant = self.extent(cursor)?;
            return Ok(true);
        }
        Ok(false)
    }

    fn expr(&self, cursor: &mut Cursor<'_>) -> Result<Expr, ParseError> {
        cursor.nested(|cursor| match cursor.peek() {
            Token::Local(_) => Ok(Expr::Value(value(cursor)?)),
            Token::Mark("$") => Ok(Expr::Register(register(cursor)?)),
            Token::Word(word) => {
                let here = *cursor;
                cursor.advance();
                self.applied(cursor, word, here)
            }
            Token::Number(_) | Token::Text(_) | Token::Mark(_) | Token::End => {
                Err(cursor.expected("an expression"))
            }
        })
    }

    /// What stands behind a word.
    fn applied(
        &self,
        cursor: &mut Cursor<'_>,
        word: &str,
        here: Cursor<'_>,
    ) -> Result<Expr, ParseError> {
        if word == "load" {
            let (buffer, address) = self.place(cursor)?;
            return Ok(Expr::Load(buffer, Box::new(address)));
        }
        if let Some(combine) = word.strip_prefix("combine.").and_then(Combine::from_word) {
            return Ok(Expr::Combine(combine, register(cursor)?));
        }
        cursor.expect("(")?;
        let expr = if let Some(element) = Element::from_name(word) {
            Expr::Constant(scalar(cursor, element)?)
        } else if word == "pos" {
            let place = *cursor;
            let Address { constant, terms, computed } = self.sum(cursor)?;
            if !computed.is_empty() {
                return Err(place.error("a position has no computed part"));
            }
            Expr::Position { constant, terms }
        } else {
            self.function(cursor, word, here)?
        };
        cursor.expect(")")?;
        Ok(expr)
    }

    /// A function and its operands, without the parentheses.
    fn function(
        &self,
        cursor: &mut Cursor<'_>,
        word: &str,
        here: Cursor<'_>,
    ) -> Result<Expr, ParseError> {
        let first = |cursor: &mut Cursor<'_>| self.expr(cursor).map(Box::new);
        let next = |cursor: &mut Cursor<'_>| {
            cursor.expect(",")?;
            self.expr(cursor).map(Box::new)
        };
        if let Some(by) = word.strip_prefix("shift.") {
            let by = by.parse().map_err(|_| here.expected("a count of lanes"))?;
            let operand = first(cursor)?;
            let Expr::Constant(fill) = *next(cursor)? else {
                return Err(here.error("lanes without a source take a constant"));
            };
            return Ok(Expr::Shift { by, fill, operand });
        }
        if let Some(element) = word.strip_prefix("convert.").and_then(Element::from_name) {
            return Ok(Expr::Convert(element, first(cursor)?));
        }
        if let Some(function) = Unary::from_word(word) {
            return Ok(Expr::Unary(function, first(cursor)?));
        }
        if let Some(function) = Binary::from_word(word) {
            return Ok(Expr::Binary(function, first(cursor)?, next(cursor)?));
        }
        if let Some(comparison) = Comparison::from_word(word) {
            return Ok(Expr::Compare(comparison, first(cursor)?, next(cursor)?));
        }
        match word {
            "bits" => Ok(Expr::Bits(first(cursor)?)),
            "select" => Ok(Expr::Select(first(cursor)?, next(cursor)?, next(cursor)?)),
            "fma" => Ok(Expr::MultiplyAdd(first(cursor)?, next(cursor)?, next(cursor)?)),
            _ => Err(here.error(format!("there is no function `{word}`"))),
        }
    }
}

fn element(cursor: &mut Cursor<'_>) -> Result<Element, ParseError> {
    let here = *cursor;
    let word = cursor.word("an element type")?;
    Element::from_name(word).ok_or_else(|| here.expected("an element type"))
}

fn value(cursor: &mut Cursor<'_>) -> Result<ValueId, ParseError> {
    let here = *cursor;
    let number = cursor.local()?.parse().map_err(|_| here.expected("a value like `%0`"))?;
    Ok(ValueId(number))
}

/// `mma.` and the name of a shape.
fn eat_mma(cursor: &mut Cursor<'_>) -> Option<Shape> {
    Shape::ALL.into_iter().find(|shape| cursor.eat_word(&format!("mma.{}", shape.name())))
}

/// `(a, b)`
fn list<T>(
    cursor: &mut Cursor<'_>,
    one: &mut dyn FnMut(&mut Cursor<'_>) -> Result<T, ParseError>,
) -> Result<Vec<T>, ParseError> {
    cursor.expect("(")?;
    let mut all = vec![one(cursor)?];
    while cursor.eat(",") {
        all.push(one(cursor)?);
    }
    cursor.expect(")")?;
    Ok(all)
}

fn register(cursor: &mut Cursor<'_>) -> Result<RegisterId, ParseError> {
    cursor.expect("$")?;
    Ok(RegisterId(width(cursor)?))
}

/// `in 0 ..`
fn zero(cursor: &mut Cursor<'_>) -> Result<(), ParseError> {
    cursor.expect_word("in")?;
    if cursor.natural()? != 0 {
        return Err(cursor.error("loops count from 0"));
    }
    cursor.expect("..")
}

fn width(cursor: &mut Cursor<'_>) -> Result<u32, ParseError> {
    let here = *cursor;
    cursor.number()?.parse().map_err(|_| here.expected("a count"))
}

#[cfg(test)]
mod tests {
    use super::parse;

    const EVERYTHING: &str = "\
loops all<n, m> workspace 64*floor((4*n + 63) / 64) private 64*m {
  buffer p.x: f32[n, m] = parameter 0
  buffer y: i64[] = updated 1
  buffer r0: bool[2*n + 1] = result 0
  buffer t: f64[n - 1] = workspace at 0
  buffer u: u8[] = workspace
  buffer k: f32[m] lanes 16 = private at 0
  buffer l: bool[] = private
  nest 0 {
    for i0 in 0..n parallel {
      var $0: f32 lanes 16 = f32(-inf)
      for i1 in 0..m lanes 16 {
        let %0: f32 = load p.x[(m)*i0 + i1 + -1]
        $0 = max($0, fma(%0, f32(1.5), shift.4(%0, f32(0x7fc00001 bits))))
      }
      let %1: f32 = combine.max $0
      if lt(bits(%1), bits(exp(%1))) {
        store r0[(-2)*i0 + (n*m)*@(convert.i64(%1)) + (1)*@(pos(i0 + 3)) + n - 1] = bool(true)
      }
      for i2 in 0..4 {
        store y[0] = select(eq(u8(1), load u[0]), pos(0), i64(-7))
      }
    }
  }
  nest 1 tasks 300*m + 7 {
    for i3 in 0..n {
      for i4 in 0..min(8, (-8)*i3 + n) lanes 4 {
      }
      for i5 in 0..min(m, i3 + 1) parallel {
      }
    }
  }
  nest 2 tasks 20 over 2 front 8*m {
    for i6 in 0..n {
      for i7 in 0..m {
      }
    }
  }
}
";

    #[test]
    fn prints_what_it_reads() {
        let loops = parse(EVERYTHING).unwrap();
        assert_eq!(loops.to_string(), EVERYTHING);
        assert_eq!(parse(&loops.to_string()), Ok(loops));
    }

    #[test]
    fn symbols_are_never_variables() {
        let mut loops = parse(EVERYTHING).unwrap();
        loops.symbols[0] = "i7".to_owned();
        assert_eq!(parse(&loops.to_string()), Ok(loops));
    }

    #[test]
    fn never_panics() {
        let letters: Vec<usize> = EVERYTHING.char_indices().map(|(at, _)| at).collect();
        for at in letters {
            drop(parse(&EVERYTHING[..at]));
            drop(parse(&format!("{}({}", &EVERYTHING[..at], &EVERYTHING[at..])));
            drop(parse(&format!(
                "{}{}",
                &EVERYTHING[..at],
                &EVERYTHING[(at + 3).min(EVERYTHING.len())..]
            )));
        }
    }
}
