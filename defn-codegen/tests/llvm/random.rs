//! Random programs: machine code against the evaluator, on statements and addresses that nobody thought of.

use defn_codegen::arena::Arena;
use defn_codegen::graph::{Binary, Combine, Comparison, Dim, Element, Scalar, Symbol, Unary};
use defn_codegen::loops::{
    Address, Buffer, BufferId, Expr, For, Loops, Manner, Nest, RegisterId, Space, Statement,
    ValueId, VariableId, parse,
};

use super::{check_all, numbers};

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % count
    }

    fn of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }
}

/// What an expression may mention.
#[derive(Clone, Default)]
struct Scope {
    /// The row and the column, where there is one.
    row: Option<VariableId>,
    column: Option<VariableId>,
    /// The lanes in which it is evaluated; 0 outside.
    lanes: u32,
    values: Vec<(ValueId, Element)>,
    registers: Vec<(RegisterId, Element)>,
}

struct Author {
    dice: Dice,
    buffers: Arena<Buffer>,
    next: u32,
}

const N: Symbol = Symbol(0);
const M: Symbol = Symbol(1);

/// Functions of floats whose results are the same at any level, cheap enough to compile by the hundred.
const COMPARED: &[Element] = &[
    Element::F64,
    Element::F32,
    Element::I32,
    Element::I64,
    Element::U8,
    Element::U32,
    Element::U64,
    Element::Bool,
];
const FLOATS: &[Unary] =
    &[Unary::Neg, Unary::Abs, Unary::Sign, Unary::Floor, Unary::Ceil, Unary::Round, Unary::Exp];
const BINARY: &[Binary] =
    &[Binary::Add, Binary::Sub, Binary::Mul, Binary::Div, Binary::Max, Binary::Min];

impl Author {
    fn id(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn buffer(&mut self, name: &str, element: Element, space: Space) -> BufferId {
        let shape = vec![Dim::from(N), Dim::from(M)];
        self.buffers.push(Buffer { name: name.to_owned(), element, shape, lanes: 1, space })
    }

    /// An address inside of a buffer of n rows and m columns, in one of the ways that lowering writes them.
    fn address(&mut self, scope: &Scope) -> Address {
        let (n, m) = (Dim::from(N), Dim::from(M));
        let mut address = Address::default();
        if let Some(row) = scope.row {
            match self.dice.below(3) {
                0 | 1 => address.add_term(row, &m),
                _ => {
                    address.add_term(row, &-m.clone());
                    address.constant = n * m.clone() - m.clone();
                }
            }
        }
        let Some(column) = scope.column else { return address };
        match self.dice.below(6) {
            0 | 1 => address.add_term(column, &Dim::from(1)),
            2 => {
                address.add_term(column, &Dim::from(-1));
                address.constant = address.constant + m - Dim::from(1);
            }
            // With one row alone this is a stride of 1, with more a wrong row but the right buffer: 0 is always inside.
            3 if scope.row.is_none() => address.add_term(column, &Dim::from(1)),
            3 => {}
            _ => {
                let position =
                    Expr::Position { constant: Dim::from(3), terms: vec![(column, Dim::from(7))] };
                let extent = Expr::Position { constant: m, terms: Vec::new() };
                let within = Expr::Binary(Binary::Rem, Box::new(position), Box::new(extent));
                address.computed.push((within, Dim::from(1)));
            }
        }
        address
    }

    fn expr(&mut self, element: Element, depth: u64, scope: &Scope) -> Expr {
        let leaf = depth == 0 || self.dice.below(4) == 0;
        if leaf {
            return self.leaf(element, scope);
        }
        let boxed = |author: &mut Self, element| Box::new(author.expr(element, depth - 1, scope));
        match (self.dice.below(8), element) {
            (7, _) if scope.lanes > 1 => {
                let by = 1 + self.dice.below(u64::from(scope.lanes) - 1) as u32;
                let fill = Scalar::from_f64(element, self.dice.below(9) as f64 - 3.5);
                Expr::Shift { by, fill, operand: boxed(self, element) }
            }
            (0, _) => {
                Expr::Select(boxed(self, Element::Bool), boxed(self, element), boxed(self, element))
            }
            (1, _) => {
                let from = self.dice.of(Element::ALL);
                Expr::Convert(element, boxed(self, from))
            }
            // These are rounded to, and nothing else.
            (_, Element::F16 | Element::Bf16) => {
                let from = self.dice.of(&[Element::F32, Element::F64, Element::I64, Element::U32]);
                Expr::Convert(element, boxed(self, from))
            }
            (2 | 3, Element::Bool) => {
                let of = self.dice.of(COMPARED);
                let comparison = self.dice.of(Comparison::ALL);
                Expr::Compare(comparison, boxed(self, of), boxed(self, of))
            }
            (_, Element::Bool) => {
                let function = self.dice.of(&[Binary::And, Binary::Or, Binary::Xor, Binary::Max]);
                Expr::Binary(function, boxed(self, element), boxed(self, element))
            }
            (2, _) => {
                Expr::MultiplyAdd(boxed(self, element), boxed(self, element), boxed(self, element))
            }
            (3, Element::F32 | Element::F64) => {
                let function = self.dice.of(FLOATS);
                Expr::Unary(function, boxed(self, element))
            }
            (3, _) => {
                let function = self.dice.of(&[Unary::Neg, Unary::Not, Unary::Abs, Unary::Sign]);
                Expr::Unary(function, boxed(self, element))
            }
            (4, Element::I32 | Element::I64 | Element::U8) => {
                let function = self.dice.of(&[Binary::Rem, Binary::ShiftLeft, Binary::ShiftRight]);
                Expr::Binary(function, boxed(self, element), boxed(self, element))
            }
            (_, _) => {
                let function = self.dice.of(BINARY);
                Expr::Binary(function, boxed(self, element), boxed(self, element))
            }
        }
    }

    fn leaf(&mut self, element: Element, scope: &Scope) -> Expr {
        let values: Vec<ValueId> =
            scope.values.iter().filter(|value| value.1 == element).map(|value| value.0).collect();
        let registers: Vec<RegisterId> =
            scope.registers.iter().filter(|one| one.1 == element).map(|one| one.0).collect();
        match self.dice.below(4) {
            0 if !values.is_empty() => Expr::Value(self.dice.of(&values)),
            1 if !registers.is_empty() => Expr::Register(self.dice.of(&registers)),
            2 => Expr::Constant(Scalar::from_f64(element, self.dice.below(9) as f64 - 3.5)),
            _ => {
                let ids: Vec<BufferId> = self.buffers.ids().collect();
                let readable =
                    |id: &&BufferId| matches!(self.buffers[**id].space, Space::Parameter(_));
                let readable: Vec<BufferId> = ids.iter().filter(readable).copied().collect();
                let buffer = self.dice.of(&readable);
                let found = self.buffers[buffer].element;
                let load = Expr::Load(buffer, Box::new(self.address(scope)));
                if found == element { load } else { Expr::Convert(element, Box::new(load)) }
            }
        }
    }

    /// A few values and registers, a loop that changes them, and a store to each result.
    fn lanes_body(&mut self, scope: &Scope, results: &[BufferId]) -> Vec<Statement> {
        let mut scope = scope.clone();
        let mut body = Vec::new();
        for _ in 0..self.dice.below(3) {
            let element = self.dice.of(Element::ALL);
            let (value, expr) = (ValueId(self.id()), self.expr(element, 2, &scope));
            body.push(Statement::Let { value, element, expr });
            scope.values.push((value, element));
        }
        if self.dice.below(2) == 0 {
            let element = self.dice.of(Element::ALL);
            let (register, initial) = (RegisterId(self.id()), self.expr(element, 1, &scope));
            body.push(Statement::Declare { register, element, lanes: 1, initial });
            scope.registers.push((register, element));
            let expr = self.expr(element, 2, &scope);
            let inner = vec![Statement::Set { register, expr }];
            let variable = VariableId(self.id());
            let extent = Dim::from(self.dice.below(4) as i64);
            body.push(Statement::For(For {
                variable,
                extent,
                clip: None,
                manner: Manner::Serial,
                body: inner,
            }));
        }
        for buffer in results {
            let mut address = Address::default();
            let (row, column) = (scope.row, scope.column);
            row.iter().for_each(|row| address.add_term(*row, &Dim::from(M)));
            column.iter().for_each(|column| address.add_term(*column, &Dim::from(1)));
            let expr = self.expr(self.buffers[*buffer].element, 3, &scope);
            body.push(Statement::Store { buffer: *buffer, address, expr });
        }
        body
    }

    /// A loop over rows; in it a reduction, a loop of lanes that uses it, and a conditional store.
    fn nest(&mut self, results: &[BufferId]) -> Nest {
        let row = VariableId(self.id());
        let mut scope = Scope { row: Some(row), ..Scope::default() };
        let mut body = Vec::new();
        let width = self.dice.of(&[2, 4, 8, 16, 32, 64]);
        let element =
            self.dice.of(&[Element::F32, Element::F64, Element::I32, Element::I64, Element::U8]);
        let combine = self.dice.of(Combine::ALL);
        let register = RegisterId(self.id());
        let initial = Expr::Constant(combine.identity(element));
        body.push(Statement::Declare { register, element, lanes: width, initial });
        let column = VariableId(self.id());
        let mut inner = scope.clone();
        inner.column = Some(column);
        inner.lanes = width;
        let next = self.expr(element, 2, &inner);
        let expr =
            Expr::Binary(combine.binary(), Box::new(Expr::Register(register)), Box::new(next));
        let set = vec![Statement::Set { register, expr }];
        body.push(lanes(column, width, set));
        let value = ValueId(self.id());
        body.push(Statement::Let { value, element, expr: Expr::Combine(combine, register) });
        scope.values.push((value, element));
        let column = VariableId(self.id());
        let width = self.dice.of(&[1, 4, 16, 64]);
        let inner = Scope { column: Some(column), lanes: width, ..scope.clone() };
        let stores = self.lanes_body(&inner, results);
        body.push(lanes(column, width, stores));
        Nest::new(vec![for_rows(row, body)])
    }
}

fn lanes(variable: VariableId, width: u32, body: Vec<Statement>) -> Statement {
    Statement::For(For {
        variable,
        extent: Dim::from(M),
        clip: None,
        manner: Manner::Lanes(width),
        body,
    })
}

fn for_rows(variable: VariableId, body: Vec<Statement>) -> Statement {
    Statement::For(For {
        variable,
        extent: Dim::from(N),
        clip: None,
        manner: Manner::Parallel,
        body,
    })
}

fn program(seed: u64) -> Loops {
    let mut author = Author { dice: Dice(seed), buffers: Arena::default(), next: 0 };
    author.dice.below(2);
    for (position, element) in Element::ALL.iter().enumerate() {
        author.buffer(&format!("p{position}"), *element, Space::Parameter(position));
    }
    let results: Vec<BufferId> = (0..2)
        .map(|position| {
            let element = author.dice.of(Element::ALL);
            author.buffer(&format!("r{position}"), element, Space::Result(position))
        })
        .collect();
    let nests = vec![author.nest(&results)];
    let symbols = vec!["n".to_owned(), "m".to_owned()];
    let name = format!("random{seed}");
    Loops {
        name,
        symbols,
        buffers: author.buffers,
        nests,
        workspace: Dim::default(),
        private: Dim::default(),
    }
}

#[test]
fn random_programs() {
    let count = std::env::var("DEFN_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(40);
    for seed in 0..count {
        let loops = program(seed);
        assert_eq!(parse::parse(&loops.to_string()).as_ref(), Ok(&loops), "{loops}");
        let case = |n: usize, m: usize| {
            let parameters =
                Element::ALL.iter().map(|element| numbers(*element, &[n, m], seed as usize + m));
            (vec![n as i64, m as i64], parameters.collect())
        };
        check_all(
            &loops,
            &[case(2, 0), case(1, 1), case(2, 5), case(3, 33), case(2, 64), case(1, 131)],
        );
    }
}
