//! A machine without values, which counts.
//!
//! That the functions run on it shows that none looks at a value: the same operations happen for every
//! argument.

use defn_codegen::math::{Function, Machine, unary_f32};

/// Operations asked for; constants and changes of type that cost nothing are not counted.
#[derive(Default)]
struct Counter {
    operations: usize,
}

macro_rules! counted {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {
        $(fn $name(&mut self, $($argument: $type),*) {
            let _ = ($($argument,)*);
            self.operations += 1;
        })*
    };
}

macro_rules! free {
    ($($name:ident($type:ty);)*) => {
        $(fn $name(&mut self, _: $type) {})*
    };
}

impl Machine for Counter {
    type F32 = ();
    type F64 = ();
    type I32 = ();
    type I64 = ();
    type Mask = ();
    type Rare = usize;

    free! {
        f32(f32); f64(f64); i32(i32); i64(i64);
        bits_f32(()); bits_f64(()); float_i32(()); float_i64(());
    }

    counted! {
        add_f32(a: (), b: ()); sub_f32(a: (), b: ()); mul_f32(a: (), b: ()); div_f32(a: (), b: ());
        add_f64(a: (), b: ()); sub_f64(a: (), b: ()); mul_f64(a: (), b: ()); div_f64(a: (), b: ());
        fma_f32(a: (), b: (), c: ()); fma_f64(a: (), b: (), c: ());
        neg_f32(a: ()); abs_f32(a: ()); sqrt_f32(a: ());
        neg_f64(a: ()); abs_f64(a: ()); sqrt_f64(a: ()); round_even_f64(a: ());
        lt_f32(a: (), b: ()); le_f32(a: (), b: ()); eq_f32(a: (), b: ());
        lt_f64(a: (), b: ()); le_f64(a: (), b: ()); eq_f64(a: (), b: ());
        select_f32(mask: (), a: (), b: ()); select_f64(mask: (), a: (), b: ());
        select_i32(mask: (), a: (), b: ()); select_i64(mask: (), a: (), b: ());
        add_i32(a: (), b: ()); sub_i32(a: (), b: ()); and_i32(a: (), b: ());
        add_i64(a: (), b: ()); sub_i64(a: (), b: ()); and_i64(a: (), b: ()); or_i64(a: (), b: ());
        xor_i32(a: (), b: ()); shl_i32(a: (), amount: u32); shr_i32(a: (), amount: u32);
        xor_i64(a: (), b: ()); shl_i64(a: (), amount: u32); shr_i64(a: (), amount: u32);
        eq_i32(a: (), b: ()); lt_i32(a: (), b: ()); eq_i64(a: (), b: ()); lt_i64(a: (), b: ());
        and_mask(a: (), b: ()); or_mask(a: (), b: ()); not_mask(a: ());
        f32_to_f64(a: ()); f64_to_f32(a: ()); i32_to_f32(a: ()); i64_to_i32(a: ()); i32_to_i64(a: ());
        lookup_i64(table: &'static [u64], index: ());
        choose_f32(table: &'static [f32], index: ());
    }

    /// What is rarely needed does not count, but the question whether it is.
    fn begin_rare(&mut self, _mask: ()) -> usize {
        self.operations + 1
    }

    fn end_rare_f32(&mut self, counted: usize, (): (), (): (), (): ()) {
        self.operations = counted;
    }
}

fn operations_f32(function: Function) -> usize {
    let mut counter = Counter::default();
    unary_f32(&mut counter, function, ());
    counter.operations
}

/// The functions that set the speed of kernels.
#[test]
fn hot_functions_are_short() {
    let budgets = [
        (Function::Exp, 24),
        (Function::Exp2, 24),
        (Function::Log, 32),
        (Function::Log2, 32),
        (Function::Tanh, 32),
        (Function::Sigmoid, 36),
        (Function::Sin, 26),
        (Function::Cos, 26),
        (Function::Erf, 30),
        (Function::Rsqrt, 2),
    ];
    for (function, budget) in budgets {
        let operations = operations_f32(function);
        assert!(operations <= budget, "{}: {operations} operations", function.name());
    }
}
