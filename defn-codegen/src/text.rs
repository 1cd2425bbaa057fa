//! Reading dumps: a cursor over text, token by token, with the place of every mistake.
//!
//! Every dump language of the compiler is made of the same tokens; white space and comments (`;` to the end of the line) separate them.
//!
//! ```text
//! words     graph  reduce.max  p.l1.w  p.0        letters, digits, `_`, and dots between non-empty parts
//! locals    %0  %sum                              a `%` and a part of a word directly behind it
//! numbers   12  1.5  1e-7  0x7fc00000             a minus in front is a mark of its own
//! texts     "axes differ"                         with \" \\ \n inside
//! marks     ->  <=  >=  ==  ~=  ..  or any other single character
//! ```
//!
//! Nothing here panics, whatever the text is.
//! What the tokens mean is never known here: extents and types are read by [`crate::graph::parse`].

use std::fmt;

/// Where a text is wrong, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ParseError {}

/// The smallest part of a dump that means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'t> {
    /// A word, with its dots.
    Word(&'t str),
    /// What stands behind a `%`.
    Local(&'t str),
    /// A number without a sign, as written.
    Number(&'t str),
    /// A text, as written between its quotes.
    Text(&'t str),
    /// Punctuation.
    Mark(&'t str),
    /// The text is over.
    End,
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(text) | Self::Number(text) | Self::Mark(text) => {
                write!(formatter, "`{text}`")
            }
            Self::Local(text) => write!(formatter, "`%{text}`"),
            Self::Text(text) => write!(formatter, "\"{text}\""),
            Self::End => formatter.write_str("the end"),
        }
    }
}

/// How deep brackets may nest; what is deeper was not written by a printer and would overflow the stack.
const DEEPEST: usize = 64;

/// A place in a text.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'t> {
    text: &'t str,
    /// The byte where the next token is looked for.
    at: usize,
    depth: usize,
}

impl<'t> Cursor<'t> {
    /// The beginning of a text.
    pub fn new(text: &'t str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// The next token, which stays.
    pub fn peek(&self) -> Token<'t> {
        self.scan().0
    }

    /// The token behind the next one; both stay.
    pub fn peek_second(&self) -> Token<'t> {
        let mut ahead = *self;
        ahead.advance();
        ahead.peek()
    }

    /// Takes the next token.
    pub fn advance(&mut self) -> Token<'t> {
        let (token, end) = self.scan();
        self.at = end;
        token
    }

    /// A mistake at the next token.
    pub fn error(&self, message: impl Into<String>) -> ParseError {
        let start = skip_blank(self.text, self.at);
        let before = &self.text[..start];
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|letter| *letter != '\n').count() + 1;
        ParseError { line, column, message: message.into() }
    }

    /// The mistake that something else stands here.
    pub fn expected(&self, what: &str) -> ParseError {
        self.error(format!("expected {what}, found {}", self.peek()))
    }

    /// Takes this mark if it is next.
    pub fn eat(&mut self, mark: &str) -> bool {
        let found = self.peek() == Token::Mark(mark);
        if found {
            self.advance();
        }
        found
    }

    /// Takes this mark.
    pub fn expect(&mut self, mark: &str) -> Result<(), ParseError> {
        if self.eat(mark) { Ok(()) } else { Err(self.expected(&format!("`{mark}`"))) }
    }

    /// Takes this word if it is next.
    pub fn eat_word(&mut self, word: &str) -> bool {
        let found = self.peek() == Token::Word(word);
        if found {
            self.advance();
        }
        found
    }

    /// Takes this word.
    pub fn expect_word(&mut self, word: &str) -> Result<(), ParseError> {
        if self.eat_word(word) { Ok(()) } else { Err(self.expected(&format!("`{word}`"))) }
    }

    /// Takes any word; `what` says what it should be.
    pub fn word(&mut self, what: &str) -> Result<&'t str, ParseError> {
        let Token::Word(word) = self.peek() else { return Err(self.expected(what)) };
        self.advance();
        Ok(word)
    }

    /// Takes what stands behind a `%`.
    pub fn local(&mut self) -> Result<&'t str, ParseError> {
        let Token::Local(name) = self.peek() else {
            return Err(self.expected("a local like `%0`"));
        };
        self.advance();
        Ok(name)
    }

    /// Takes a number without a sign, as it is written.
    pub fn number(&mut self) -> Result<&'t str, ParseError> {
        let Token::Number(number) = self.peek() else { return Err(self.expected("a number")) };
        self.advance();
        Ok(number)
    }

    /// Takes a position or a count; below 2³², so that sums of a few cannot overflow.
    pub fn natural(&mut self) -> Result<usize, ParseError> {
        let here = *self;
        let number = self.number()?;
        let count: u32 = number.parse().map_err(|_| here.expected("a count"))?;
        Ok(count as usize)
    }

    /// Takes a whole number, perhaps with a minus.
    pub fn integer(&mut self) -> Result<i64, ParseError> {
        let here = *self;
        let negative = self.eat("-");
        let magnitude: u64 = self.number()?.parse().map_err(|_| here.expected("an integer"))?;
        let value = if negative { -i128::from(magnitude) } else { i128::from(magnitude) };
        i64::try_from(value).map_err(|_| here.error("the integer does not fit 64 bits"))
    }

    /// Takes a text and resolves its escapes.
    pub fn text(&mut self) -> Result<String, ParseError> {
        let Token::Text(written) = self.peek() else { return Err(self.expected("a text")) };
        let here = *self;
        self.advance();
        let mut text = String::with_capacity(written.len());
        let mut letters = written.chars();
        while let Some(letter) = letters.next() {
            let resolved = match letter {
                '\\' => match letters.next() {
                    Some('n') => '\n',
                    Some(same @ ('"' | '\\')) => same,
                    _ => return Err(here.error("an unknown escape")),
                },
                letter => letter,
            };
            text.push(resolved);
        }
        Ok(text)
    }

    /// Takes `open item, item close`, also with nothing in between.
    pub fn list<T>(
        &mut self,
        open: &str,
        close: &str,
        mut item: impl FnMut(&mut Self) -> Result<T, ParseError>,
    ) -> Result<Vec<T>, ParseError> {
        self.expect(open)?;
        let mut items = Vec::new();
        if self.eat(close) {
            return Ok(items);
        }
        loop {
            items.push(self.nested(&mut item)?);
            if self.eat(close) {
                return Ok(items);
            }
            if !self.eat(",") {
                return Err(self.expected(&format!("`,` or `{close}`")));
            }
        }
    }

    /// Runs a reader one bracket deeper; refuses what nests too deep.
    pub fn nested<T>(
        &mut self,
        reader: impl FnOnce(&mut Self) -> Result<T, ParseError>,
    ) -> Result<T, ParseError> {
        if self.depth == DEEPEST {
            return Err(self.error(format!("nested deeper than {DEEPEST}")));
        }
        self.depth += 1;
        let read = reader(self);
        self.depth -= 1;
        read
    }

    /// Refuses anything but the end.
    pub fn end(&self) -> Result<(), ParseError> {
        if self.peek() == Token::End { Ok(()) } else { Err(self.expected("the end")) }
    }

    /// The next token and the byte behind it.
    fn scan(&self) -> (Token<'t>, usize) {
        let start = skip_blank(self.text, self.at);
        let rest = &self.text[start..];
        let Some(first) = rest.chars().next() else { return (Token::End, start) };
        let (token, length) = if is_word_start(first) {
            let length = word_length(rest);
            (Token::Word(&rest[..length]), length)
        } else if first.is_ascii_digit() {
            let length = number_length(rest);
            (Token::Number(&rest[..length]), length)
        } else if let Some(length) = local_length(rest) {
            (Token::Local(&rest[1..length]), length)
        } else if let Some(length) = text_length(rest) {
            (Token::Text(&rest[1..length - 1]), length)
        } else {
            let double = ["->", "<=", ">=", "==", "~=", ".."];
            let length = match double.iter().find(|mark| rest.starts_with(**mark)) {
                Some(mark) => mark.len(),
                None => first.len_utf8(),
            };
            (Token::Mark(&rest[..length]), length)
        };
        (token, start + length)
    }
}

/// Whether a name reads as one word.
pub fn is_word(name: &str) -> bool {
    name.starts_with(is_word_start) && word_length(name) == name.len()
}

/// A text between quotes, so that [`Cursor::text`] reads it back.
pub fn quote(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

fn is_word_start(letter: char) -> bool {
    letter.is_alphabetic() || letter == '_'
}

fn is_word_part(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn skip_blank(text: &str, mut at: usize) -> usize {
    loop {
        let rest = &text[at..];
        let trimmed = rest.trim_start();
        at += rest.len() - trimmed.len();
        if !trimmed.starts_with(';') {
            return at;
        }
        at += trimmed.find('\n').unwrap_or(trimmed.len());
    }
}

/// The length of the leading letters, digits and underscores.
fn part_length(text: &str) -> usize {
    text.find(|letter| !is_word_part(letter)).unwrap_or(text.len())
}

/// Parts with single dots in between; a dot at the end does not belong to the word.
fn word_length(text: &str) -> usize {
    let mut length = part_length(text);
    while let Some(behind) = text[length..].strip_prefix('.') {
        match part_length(behind) {
            0 => break,
            part => length += 1 + part,
        }
    }
    length
}

fn local_length(text: &str) -> Option<usize> {
    let length = part_length(text.strip_prefix('%')?);
    (length > 0).then_some(length + 1)
}

/// Digits, letters (for `0x` and `e`), a dot before a digit, a sign behind an exponent's `e`.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_hexadecimal = text.starts_with("0x");
    let digit_at = |position: usize| bytes.get(position).is_some_and(u8::is_ascii_digit);
    let mut length = 0;
    while let Some(byte) = bytes.get(length) {
        let belongs = match byte {
            b'.' => digit_at(length + 1),
            b'+' | b'-' => {
                !is_hexadecimal && matches!(bytes[length - 1], b'e' | b'E') && digit_at(length + 1)
            }
            byte => byte.is_ascii_alphanumeric() || *byte == b'_',
        };
        if !belongs {
            break;
        }
        length += 1;
    }
    length
}

/// The length with both quotes; none if the text does not end on its line.
fn text_length(text: &str) -> Option<usize> {
    let mut letters = text.char_indices().skip(1);
    if !text.starts_with('"') {
        return None;
    }
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some(at + 1),
            '\n' => return None,
            '\\' => drop(letters.next()),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Token, is_word, quote};

    fn tokens(text: &str) -> Vec<Token<'_>> {
        let mut cursor = Cursor::new(text);
        std::iter::from_fn(|| Some(cursor.advance()).filter(|token| *token != Token::End)).collect()
    }

    #[test]
    fn tokens_are_the_longest() {
        use Token::{Local, Mark, Number, Text, Word};
        assert_eq!(
            tokens("%0: f32 = reduce.max p.l1.w axes=[1] ; why"),
            [
                Local("0"),
                Mark(":"),
                Word("f32"),
                Mark("="),
                Word("reduce.max"),
                Word("p.l1.w"),
                Word("axes"),
                Mark("="),
                Mark("["),
                Number("1"),
                Mark("]")
            ]
        );
        assert_eq!(tokens("1.5e-7 0..n"), [Number("1.5e-7"), Number("0"), Mark(".."), Word("n")]);
        assert_eq!(tokens("a<=\"x\\\"y\""), [Word("a"), Mark("<="), Text("x\\\"y")]);
    }

    #[test]
    fn texts_round_trip() {
        for text in ["", "plain", "a \"b\" \\ c\nd", "ä"] {
            assert_eq!(Cursor::new(&quote(text)).text().unwrap(), text);
        }
        assert!(is_word("p.0.w") && !is_word("p.") && !is_word("") && !is_word("a b"));
    }

    #[test]
    fn mistakes_know_their_place() {
        let mut cursor = Cursor::new("a\n  ; comment\n  b");
        cursor.advance();
        let error = cursor.expect("=").unwrap_err();
        assert_eq!(error.to_string(), "3:3: expected `=`, found `b`");
    }
}
