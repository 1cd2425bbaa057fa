//! From the dump language to a graph: reads what [`print`](mod@super::print) writes, and says where a text is wrong.
//!
//! In: text.   Out: a graph that may be ill-typed, so that tests can show what [`verify`](super::verify) refuses.
//!
//! ```text
//! graph     = "graph" word ["<" word, .. ">"] "(" parameter, .. ")" "->" results "{" check* line* "return" [operand, ..] "}"
//! parameter = word ":" type ["=" word] ["unused"]       `n: i64 = n` is the value of symbol n; unused: it has no node
//! results   = type | "(" result, .. ")"
//! result    = types ["updates" word]                     the parameter that it replaces
//! type      = element ["[" extent, .. "]"]
//! types     = type | "(" type, .. ")"                    the second for calls with any number of results but one
//! check     = "check" extent ("divides" | "<=" | "=") extent text
//! line      = "parameter" word                           a parameter whose node does not stand in front
//!           | "%"name ":" types "=" application
//! application = primitive [operand, ..] {attribute "=" value}
//!           | "constant" ([-] number | "true" | "false" | [-] "inf" | hexadecimal "bits")
//!           | "extent" extent
//!           | "call" callable ["<" extent, .. ">"] "(" operand, .. ")"
//!           | "repeat" [operand, ..] "times" "=" (extent | "while") "state" "=" number "sequences" "=" number ["reverse"] [("inputs" "=" number | "again")]
//!             "{" [graph] graph "}"                       the condition of a `while`, then the body; both over the same symbols
//!           | "branch" operand, .. "{" graph graph "}"
//! callable  = "fn"number | ("grad" | "value_and_grad" | "jvp") "[" "wrt" "=" [number, ..] "]" "(" callable ")"
//! operand   = "%"name | word                             a word is a parameter
//! extent    = ["-"] product {("+" | "-") product}
//! product   = factor {"*" factor}
//! factor    = number | word | "(" extent ")" | ("floor" | "exact") "(" extent "/" extent ")"
//! ```
//!
//! Comments run from `;` to the end of the line. Names behind `%` are free; printing numbers them again.
//! Operands may be named before their line, which the verifier then refuses.

mod extent;
mod application;

use std::collections::BTreeMap;

pub use crate::text::ParseError;
pub use application::scalar;
use application::{Applied, application};
pub use extent::extent;

use super::{Check, Element, Graph, Node, NodeId, Op, Output, Parameter, Relation, Symbol};
use super::{TensorType, print};
use crate::arena::Id;
use crate::origin::Origin;
use crate::text::{Cursor, Token};

/// The graph that a text describes.
pub fn parse(text: &str) -> Result<Graph, ParseError> {
    let mut cursor = Cursor::new(text);
    let graph = graph(&mut cursor)?;
    cursor.end()?;
    Ok(graph)
}

/// One graph; what stands behind its brace stays.
pub fn graph(cursor: &mut Cursor<'_>) -> Result<Graph, ParseError> {
    graph_over(cursor, &[])
}

/// A graph; one without symbols of its own has these.
fn graph_over(cursor: &mut Cursor<'_>, symbols: &[String]) -> Result<Graph, ParseError> {
    cursor.expect_word("graph")?;
    let name = cursor.word("the name of the graph")?.to_owned();
    let mut graph = Graph { name, symbols: symbols.to_vec(), ..Graph::default() };
    if cursor.peek() == Token::Mark("<") {
        graph.symbols = cursor.list("<", ">", |cursor| Ok(cursor.word("a symbol")?.to_owned()))?;
    }
    let symbols = &graph.symbols;
    let parameters = cursor.list("(", ")", |cursor| parameter(cursor, symbols))?;
    let (parameters, unused): (Vec<_>, Vec<_>) = parameters.into_iter().unzip();
    graph.parameters = parameters;
    cursor.expect("->")?;
    let header = results(cursor, &graph)?;
    cursor.expect("{")?;
    while cursor.eat_word("check") {
        let check = check(cursor, &graph.symbols)?;
        graph.checks.push(check);
    }
    let mut lines = Vec::new();
    while !cursor.eat_word("return") {
        lines.push(line(cursor, &graph)?);
    }
    let returned = operands(cursor)?;
    let place = *cursor;
    cursor.expect("}")?;
    let scope = place_nodes(&mut graph, lines, &unused)?;
    finish(&mut graph, &scope, header, (&returned, place))?;
    Ok(graph)
}

/// An element type with extents over `symbols`.
pub fn tensor_type(cursor: &mut Cursor<'_>, symbols: &[String]) -> Result<TensorType, ParseError> {
    let here = *cursor;
    let word = cursor.word("an element type")?;
    let Some(element) = Element::from_name(word) else {
        return Err(here.expected("an element type"));
    };
    let mut shape = Vec::new();
    if cursor.peek() == Token::Mark("[") {
        shape = cursor.list("[", "]", |cursor| extent(cursor, symbols))?;
    }
    Ok(TensorType::new(element, shape))
}

/// One check, behind its word.
pub fn check(cursor: &mut Cursor<'_>, symbols: &[String]) -> Result<Check, ParseError> {
    let left = extent(cursor, symbols)?;
    let relation = if cursor.eat_word("divides") {
        Relation::Divides
    } else if cursor.eat("<=") {
        Relation::AtMost
    } else if cursor.eat("=") {
        Relation::Equal
    } else {
        return Err(cursor.expected("`divides`, `<=` or `=`"));
    };
    let right = extent(cursor, symbols)?;
    Ok(Check { relation, left, right, text: cursor.text()? })
}

/// A parameter, and whether it has no node.
fn parameter(cursor: &mut Cursor<'_>, symbols: &[String]) -> Result<(Parameter, bool), ParseError> {
    let name = cursor.word("a parameter")?.to_owned();
    cursor.expect(":")?;
    let ty = tensor_type(cursor, symbols)?;
    let symbol = if cursor.eat("=") { Some(symbol(cursor, symbols)?) } else { None };
    Ok((Parameter { name, ty, symbol }, cursor.eat_word("unused")))
}

/// A symbol by its name.
fn symbol(cursor: &mut Cursor<'_>, symbols: &[String]) -> Result<Symbol, ParseError> {
    let here = *cursor;
    let name = cursor.word("a symbol")?;
    match symbols.iter().position(|symbol| symbol == name) {
        Some(position) => Ok(Symbol(position as u32)),
        None => Err(here.error(format!("the graph has no symbol `{name}`"))),
    }
}

/// What the header says of a result.
struct Announced<'t> {
    place: Cursor<'t>,
    types: Vec<TensorType>,
    updates: Option<usize>,
}

fn results<'t>(cursor: &mut Cursor<'t>, graph: &Graph) -> Result<Vec<Announced<'t>>, ParseError> {
    let result = |cursor: &mut Cursor<'t>| {
        let place = *cursor;
        let types = types(cursor, &graph.symbols)?;
        let updates = if cursor.eat_word("updates") { Some(updated(cursor, graph)?) } else { None };
        Ok(Announced { place, types, updates })
    };
    if cursor.peek() == Token::Mark("(") {
        return cursor.list("(", ")", result);
    }
    let place = *cursor;
    let types = vec![tensor_type(cursor, &graph.symbols)?];
    Ok(vec![Announced { place, types, updates: None }])
}

fn updated(cursor: &mut Cursor<'_>, graph: &Graph) -> Result<usize, ParseError> {
    let here = *cursor;
    let name = cursor.word("a parameter")?;
    let position = graph.parameters.iter().position(|parameter| parameter.name == name);
    position.ok_or_else(|| here.error(format!("the graph has no parameter `{name}`")))
}

fn types(cursor: &mut Cursor<'_>, symbols: &[String]) -> Result<Vec<TensorType>, ParseError> {
    if cursor.peek() == Token::Mark("(") {
        return cursor.list("(", ")", |cursor| tensor_type(cursor, symbols));
    }
    Ok(vec![tensor_type(cursor, symbols)?])
}

/// An operand as written, and where.
#[derive(Clone, Copy)]
struct Operand<'t> {
    place: Cursor<'t>,
    token: Token<'t>,
}

fn operand<'t>(cursor: &mut Cursor<'t>) -> Result<Operand<'t>, ParseError> {
    let place = *cursor;
    match cursor.peek() {
        token @ (Token::Local(_) | Token::Word(_)) => {
            cursor.advance();
            Ok(Operand { place, token })
        }
        Token::Number(_) | Token::Text(_) | Token::Mark(_) | Token::End => {
            Err(cursor.expected("an operand"))
        }
    }
}

/// Operands between commas; none where an attribute, the next line or anything else stands.
fn operands<'t>(cursor: &mut Cursor<'t>) -> Result<Vec<Operand<'t>>, ParseError> {
    let begins = match (cursor.peek(), cursor.peek_second()) {
        (Token::Local(_), behind) => behind != Token::Mark(":"),
        (Token::Word(_), behind) => behind != Token::Mark("="),
        _ => false,
    };
    let mut found = Vec::new();
    if begins {
        found.push(operand(cursor)?);
        while cursor.eat(",") {
            found.push(operand(cursor)?);
        }
    }
    Ok(found)
}

/// A line of the body, whose operands are not resolved yet.
enum Line<'t> {
    Parameter(usize),
    Node { place: Cursor<'t>, name: &'t str, types: Vec<TensorType>, applied: Applied<'t> },
}

fn line<'t>(cursor: &mut Cursor<'t>, graph: &Graph) -> Result<Line<'t>, ParseError> {
    if cursor.eat_word("parameter") {
        return Ok(Line::Parameter(updated(cursor, graph)?));
    }
    let place = *cursor;
    let name = cursor.local()?;
    cursor.expect(":")?;
    let types = types(cursor, &graph.symbols)?;
    cursor.expect("=")?;
    let element = types.first().map_or(Element::F64, |ty| ty.element);
    let applied = application(cursor, &graph.symbols, element)?;
    Ok(Line::Node { place, name, types, applied })
}

/// What the names of a body stand for.
struct Scope<'t> {
    locals: BTreeMap<&'t str, NodeId>,
    /// The node of each parameter that has one.
    parameters: Vec<Option<NodeId>>,
}

/// Makes the nodes: first those of the parameters that are neither unused nor have a line, then one a line.
fn place_nodes<'t>(
    graph: &mut Graph,
    lines: Vec<Line<'t>>,
    unused: &[bool],
) -> Result<Scope<'t>, ParseError> {
    let mut in_front: Vec<bool> = unused.iter().map(|unused| !unused).collect();
    for line in &lines {
        if let Line::Parameter(position) = line {
            in_front[*position] = false;
        }
    }
    let front: Vec<usize> = (0..in_front.len()).filter(|position| in_front[*position]).collect();
    let mut scope =
        Scope { locals: BTreeMap::new(), parameters: vec![None; graph.parameters.len()] };
    for (node, position) in front.iter().enumerate() {
        scope.parameters[*position] = Some(Id::new(node));
    }
    for (distance, line) in lines.iter().enumerate() {
        let node = Id::new(front.len() + distance);
        match line {
            Line::Parameter(position) => scope.parameters[*position] = Some(node),
            Line::Node { place, name, types: _, applied: _ } => {
                if scope.locals.insert(name, node).is_some() {
                    return Err(place.error(format!("`%{name}` stands twice")));
                }
            }
        }
    }
    for position in front {
        push_parameter(graph, position);
    }
    for line in lines {
        match line {
            Line::Parameter(position) => push_parameter(graph, position),
            Line::Node { place: _, name: _, types, applied: Applied { op, operands } } => {
                let operands = resolve(&scope, graph, &operands)?;
                graph.nodes.push(Node { op, operands, types, origin: Origin::NONE });
            }
        }
    }
    Ok(scope)
}

fn push_parameter(graph: &mut Graph, position: usize) {
    graph.nodes.push(Node {
        op: Op::Parameter(position),
        operands: Vec::new(),
        types: vec![graph.parameters[position].ty.clone()],
        origin: Origin::NONE,
    });
}

fn resolve(
    scope: &Scope<'_>,
    graph: &Graph,
    operands: &[Operand<'_>],
) -> Result<Vec<NodeId>, ParseError> {
    let node = |operand: &Operand<'_>| {
        let found = match operand.token {
            Token::Local(name) => scope.locals.get(name).copied(),
            Token::Word(name) => {
                let position = graph.parameters.iter().position(|parameter| parameter.name == name);
                position.and_then(|position| scope.parameters[position])
            }
            Token::Number(_) | Token::Text(_) | Token::Mark(_) | Token::End => None,
        };
        found.ok_or_else(|| operand.place.error(format!("nothing is called {}", operand.token)))
    };
    operands.iter().map(node).collect()
}

fn finish(
    graph: &mut Graph,
    scope: &Scope<'_>,
    header: Vec<Announced<'_>>,
    (returned, place): (&[Operand<'_>], Cursor<'_>),
) -> Result<(), ParseError> {
    let nodes = resolve(scope, graph, returned)?;
    if nodes.len() != header.len() {
        let (announced, found) = (header.len(), nodes.len());
        return Err(place.error(format!("the header has {announced} results, here are {found}")));
    }
    for (Announced { place, types, updates }, node) in header.into_iter().zip(nodes) {
        let found = &graph.nodes[node].types;
        if *found != types {
            let found = print::types(found, &graph.symbols);
            return Err(place.error(format!("this result is returned as {found}")));
        }
        graph.results.push(Output { node, updates });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn check(text: &str) {
        let graph = parse(text).unwrap();
        let printed = graph.to_string();
        assert_eq!(printed, text);
        assert_eq!(parse(&printed).unwrap(), graph);
    }

    #[test]
    fn every_form_round_trips() {
        check(
            r#"graph f<n, m>(p.l1.w: f32[n, 2*m + 1], n: i64 = n, i: i64[n], c: bool unused) -> (f32[n, 2*m + 1], (), f32[n, 2*m + 1] updates p.l1.w) {
  check 4 divides n*n - m "n must be a multiple of 4"
  check floor(n / 2) <= exact((m + 1) / 3) "said \"so\""
  check n = -m + 1 "equal"
  %0: f32 = constant -0.0
  %1: f32 = constant 0x7fc00001 bits
  %2: f64 = constant -inf
  %3: bool = constant true
  %4: i64 = extent 3*n - 9223372036854775808
  %5: (f32[n], f32) = call value_and_grad[wrt=0,2](jvp[wrt=1](grad[wrt=](fn3)))<n, 2*n>(p.l1.w, %1)
  %6: f32[n] = project %5 index=0
  %7: () = call fn0()
  %8: f32[n, 2*m + 3] = pad p.l1.w, %0 low=[0, 1] high=[0, 1]
  %9: f32[2*m + 1] = reduce.max p.l1.w axes=[0]
  return p.l1.w, %7, p.l1.w
}"#,
        );
    }

    #[test]
    fn parameters_may_stand_anywhere() {
        check(
            "graph f(a: f32, b: f32, c: f32) -> f32 {
  %0: f32 = neg b
  parameter a
  return %0
}",
        );
    }

    #[test]
    fn mistakes_are_found_where_they_are() {
        let message = |text: &str| parse(text).unwrap_err().to_string();
        assert_eq!(message("graph f() -> f32 {\n return x\n}"), "2:9: nothing is called `x`");
        assert_eq!(
            message("graph f(x: f32) -> f32 {\n %0: f32 = nag x\n return %0 }"),
            "2:12: no primitive is called `nag`"
        );
        assert_eq!(
            message("graph f(x: f32) -> f64 { return x }"),
            "1:20: this result is returned as f32"
        );
        let deep = format!("graph f(x: f32[{}", "(".repeat(100_000));
        assert!(message(&deep).contains("nested deeper"));
    }
}
