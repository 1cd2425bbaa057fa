//! A thin, safe face of LLVM's builder: raw values, because one call works on scalars and vectors alike.
//!
//! In:  a context.   Out: a module, filled instruction by instruction.
//!
//! ```text
//! before                                     after
//! ir.binary(Opcode::LLVMFAdd, a, b)          %3 = fadd <16 x float> %1, %2
//! ```
//!
//! Every [`Value`], [`Type`] and [`Block`] belongs to the one module of its [`Ir`]; all of them are private to the walk
//! that owns the `Ir`, so none outlives it and none meets another module.
//! That is the invariant which the `SAFETY` sentences here call *ownership*.
//! Types are checked by LLVM's verifier, which runs before any pass.
//! This file is long because all calls of LLVM's builder stand behind this one face, a few lines each.

use std::cell::RefCell;
use std::ffi::CString;

use inkwell::builder::Builder;
use inkwell::context::{AsContextRef, Context};
use inkwell::module::Module;
use llvm_sys::core;
use llvm_sys::prelude::{LLVMBasicBlockRef, LLVMTypeRef, LLVMValueRef};
use llvm_sys::{LLVMInlineAsmDialect, LLVMLinkage, LLVMVisibility};
pub(super) use llvm_sys::{
    LLVMIntPredicate as IntPredicate, LLVMOpcode as Opcode, LLVMRealPredicate as RealPredicate,
};

use crate::graph::Element;

/// A value: a constant, an instruction, a parameter, a function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Value(LLVMValueRef);

/// A type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Type(LLVMTypeRef);

/// A basic block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Block(LLVMBasicBlockRef);

/// A function and what it takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Function {
    value: Value,
    ty: Type,
}

/// Who may call a function.
#[derive(Clone, Copy, Debug)]
pub(super) enum Linkage {
    /// Its module.
    Internal,
    /// The modules of the same piece of code, which reach it by its distance.
    Hidden,
    /// Everybody.
    Public,
    /// The host, which launches it on a device.
    Kernel,
}

/// The calling convention of kernels.
const KERNEL: u32 = 71;

/// An address space of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Memory {
    /// That of the device, which every thread reaches.
    Global = 1,
    /// That of a block.
    Shared = 3,
}

/// A module under construction.
pub(super) struct Ir<'c> {
    context: &'c Context,
    module: Module<'c>,
    builder: Builder<'c>,
    /// Where constant tables are; 0 on a host.
    space: u32,
    /// Constant tables that are in the module already.
    tables: RefCell<Vec<(&'static [u64], Value)>>,
}

/// LLVM wants a name for each value; ours have none.
const NO_NAME: *const std::ffi::c_char = c"".as_ptr();

impl<'c> Ir<'c> {
    pub(super) fn new(context: &'c Context, name: &str) -> Self {
        let (module, builder) = (context.create_module(name), context.create_builder());
        Self { context, module, builder, space: 0, tables: RefCell::default() }
    }

    /// A module for a device.
    pub(super) fn for_device(context: &'c Context, name: &str) -> Self {
        Self { space: Memory::Global as u32, ..Self::new(context, name) }
    }

    pub(super) fn into_module(self) -> Module<'c> {
        self.module
    }

    // --- types ---

    /// The type of an element in a register; in memory a `bool` is a byte.
    pub(super) fn element(&self, element: Element) -> Type {
        let context = self.context.as_ctx_ref();
        match element {
            // SAFETY: the context is alive.
            Element::F64 => Type(unsafe { core::LLVMDoubleTypeInContext(context) }),
            // SAFETY: the context is alive.
            Element::F32 => Type(unsafe { core::LLVMFloatTypeInContext(context) }),
            Element::I64 | Element::U64 => self.int(64),
            Element::I32 | Element::U32 => self.int(32),
            // What is only kept and moved are bits: LLVM has no way to compute with what it takes for an integer.
            Element::F16 | Element::Bf16 => self.int(16),
            Element::U8 => self.int(8),
            Element::Bool => self.int(1),
        }
    }

    /// What the processor converts; nothing else is done with it.
    pub(super) fn half(&self) -> Type {
        // SAFETY: the context is alive.
        Type(unsafe { core::LLVMHalfTypeInContext(self.context.as_ctx_ref()) })
    }

    pub(super) fn int(&self, bits: u32) -> Type {
        // SAFETY: the context is alive.
        Type(unsafe { core::LLVMIntTypeInContext(self.context.as_ctx_ref(), bits) })
    }

    pub(super) fn pointer(&self) -> Type {
        // SAFETY: the context is alive.
        Type(unsafe { core::LLVMPointerTypeInContext(self.context.as_ctx_ref(), 0) })
    }

    /// A pointer into memory of a device.
    pub(super) fn pointer_into(&self, memory: Memory) -> Type {
        let context = self.context.as_ctx_ref();
        // SAFETY: the context is alive.
        Type(unsafe { core::LLVMPointerTypeInContext(context, memory as u32) })
    }

    /// The vector of `lanes` of a type; the type itself for one lane.
    pub(super) fn vector(&self, ty: Type, lanes: u32) -> Type {
        // SAFETY: ownership.
        if lanes == 1 { ty } else { Type(unsafe { core::LLVMVectorType(ty.0, lanes) }) }
    }

    pub(super) fn array(&self, ty: Type, length: usize) -> Type {
        // SAFETY: ownership.
        Type(unsafe { core::LLVMArrayType2(ty.0, length as u64) })
    }

    pub(super) fn type_of(&self, value: Value) -> Type {
        // SAFETY: ownership.
        Type(unsafe { core::LLVMTypeOf(value.0) })
    }

    // --- constants ---

    /// An integer of a scalar type, from its low bits.
    pub(super) fn constant(&self, ty: Type, value: i64) -> Value {
        // SAFETY: ownership; bits above the width are cut off first.
        unsafe {
            let width = core::LLVMGetIntTypeWidth(ty.0);
            let mask = if width >= 64 { u64::MAX } else { (1 << width) - 1 };
            Value(core::LLVMConstInt(ty.0, value.cast_unsigned() & mask, 0))
        }
    }

    pub(super) fn i64(&self, value: i64) -> Value {
        self.constant(self.int(64), value)
    }

    /// The value of an element type with these bits.
    pub(super) fn constant_bits(&self, element: Element, bits: u64) -> Value {
        let integer = match element {
            Element::F64 | Element::F32 => self.int(element.size() as u32 * 8),
            Element::F16
            | Element::Bf16
            | Element::I32
            | Element::I64
            | Element::U8
            | Element::U32
            | Element::U64
            | Element::Bool => self.element(element),
        };
        let constant = self.constant(integer, bits.cast_signed());
        // SAFETY: ownership; both types have the same width.
        Value(unsafe { core::LLVMConstBitCast(constant.0, self.element(element).0) })
    }

    /// All bits zero, of any type.
    pub(super) fn zero(&self, ty: Type) -> Value {
        // SAFETY: ownership.
        Value(unsafe { core::LLVMConstNull(ty.0) })
    }

    /// A vector of constants.
    pub(super) fn constant_vector(&self, parts: &[Value]) -> Value {
        let mut raw: Vec<LLVMValueRef> = parts.iter().map(|part| part.0).collect();
        // SAFETY: ownership; LLVM copies the list.
        Value(unsafe { core::LLVMConstVector(raw.as_mut_ptr(), raw.len() as u32) })
    }

    /// The same constant in every lane.
    pub(super) fn constant_splat(&self, value: Value, lanes: u32) -> Value {
        if lanes == 1 { value } else { self.constant_vector(&vec![value; lanes as usize]) }
    }

    /// 0, 1, 2, … in an integer type.
    pub(super) fn iota(&self, ty: Type, lanes: u32) -> Value {
        let parts: Vec<Value> = (0..lanes).map(|lane| self.constant(ty, i64::from(lane))).collect();
        self.constant_vector(&parts)
    }

    /// A pointer to a constant table.
    pub(super) fn table(&self, table: &'static [u64]) -> Value {
        let known = self.tables.borrow().iter().find(|(old, _)| std::ptr::eq(*old, table)).copied();
        if let Some((_, value)) = known {
            return value;
        }
        let entry = self.int(64);
        let mut parts: Vec<LLVMValueRef> =
            table.iter().map(|bits| self.constant(entry, bits.cast_signed()).0).collect();
        // SAFETY: ownership; LLVM copies the list, and the global belongs to the module.
        let value = unsafe {
            let content = core::LLVMConstArray2(entry.0, parts.as_mut_ptr(), parts.len() as u64);
            let ty = core::LLVMTypeOf(content);
            let (module, name) = (self.module.as_mut_ptr(), c"defn_table".as_ptr());
            let global = core::LLVMAddGlobalInAddressSpace(module, ty, name, self.space);
            core::LLVMSetInitializer(global, content);
            core::LLVMSetGlobalConstant(global, 1);
            core::LLVMSetLinkage(global, LLVMLinkage::LLVMPrivateLinkage);
            core::LLVMSetAlignment(global, 8);
            Value(global)
        };
        self.tables.borrow_mut().push((table, value));
        value
    }

    /// So many bytes of a block's own memory, aligned to 16; without a length, what the launch gives it.
    pub(super) fn shared_memory(&self, name: &str, bytes: Option<u64>) -> Value {
        let name = c_string(name);
        // SAFETY: ownership; LLVM copies the name, and the global belongs to the module.
        unsafe {
            let ty = core::LLVMArrayType2(self.int(8).0, bytes.unwrap_or(0));
            let (module, space) = (self.module.as_mut_ptr(), Memory::Shared as u32);
            let global = core::LLVMAddGlobalInAddressSpace(module, ty, name.as_ptr(), space);
            if bytes.is_some() {
                core::LLVMSetInitializer(global, core::LLVMGetUndef(ty));
                core::LLVMSetLinkage(global, LLVMLinkage::LLVMInternalLinkage);
            }
            core::LLVMSetAlignment(global, 16);
            Value(global)
        }
    }

    // --- functions and blocks ---

    pub(super) fn function(&self, name: &str, parameters: &[Type], linkage: Linkage) -> Function {
        let name = c_string(name);
        let mut raw: Vec<LLVMTypeRef> = parameters.iter().map(|ty| ty.0).collect();
        // SAFETY: ownership; LLVM copies the name and the list.
        unsafe {
            let void = core::LLVMVoidTypeInContext(self.context.as_ctx_ref());
            let ty = core::LLVMFunctionType(void, raw.as_mut_ptr(), raw.len() as u32, 0);
            let value = core::LLVMAddFunction(self.module.as_mut_ptr(), name.as_ptr(), ty);
            match linkage {
                Linkage::Internal => {
                    core::LLVMSetLinkage(value, LLVMLinkage::LLVMInternalLinkage);
                }
                Linkage::Hidden => {
                    core::LLVMSetVisibility(value, LLVMVisibility::LLVMHiddenVisibility);
                }
                Linkage::Public => {}
                Linkage::Kernel => core::LLVMSetFunctionCallConv(value, KERNEL),
            }
            Function { value: Value(value), ty: Type(ty) }
        }
    }

    /// A function that the module has.
    pub(super) fn find(&self, name: &str) -> Option<Function> {
        let name = c_string(name);
        // SAFETY: ownership; the name ends with a zero, and what is found is a function, whose type is that of its values.
        unsafe {
            let value = core::LLVMGetNamedFunction(self.module.as_mut_ptr(), name.as_ptr());
            let found = |value| Function {
                value: Value(value),
                ty: Type(core::LLVMGlobalGetValueType(value)),
            };
            (!value.is_null()).then(|| found(value))
        }
    }

    pub(super) fn parameter(&self, function: Function, index: usize) -> Value {
        // SAFETY: ownership; LLVM asserts nothing here in release, so the index is checked.
        unsafe {
            let count = core::LLVMCountParams(function.value.0);
            assert!((index as u32) < count, "function has {count} parameters, not {index}");
            Value(core::LLVMGetParam(function.value.0, index as u32))
        }
    }

    /// An attribute `"key"="value"` of a function.
    pub(super) fn text_attribute(&self, function: Function, key: &str, value: &str) {
        let (context, length) = (self.context.as_ctx_ref(), |text: &str| text.len() as u32);
        // SAFETY: ownership; LLVM copies both texts, whose lengths are given.
        unsafe {
            let attribute = core::LLVMCreateStringAttribute(
                context,
                key.as_ptr().cast(),
                length(key),
                value.as_ptr().cast(),
                length(value),
            );
            core::LLVMAddAttributeAtIndex(
                function.value.0,
                llvm_sys::LLVMAttributeFunctionIndex,
                attribute,
            );
        }
    }

    /// Makes a function align its stack.
    pub(super) fn align_stack(&self, function: Function, align: u32) {
        let attribute = self.enum_attribute("alignstack", u64::from(align));
        // SAFETY: ownership.
        unsafe {
            core::LLVMAddAttributeAtIndex(
                function.value.0,
                llvm_sys::LLVMAttributeFunctionIndex,
                attribute,
            );
        }
    }

    /// Promises that parameter `k` of a function is aligned.
    pub(super) fn align_parameter(&self, function: Function, parameter: usize, align: usize) {
        let attribute = self.enum_attribute("align", align as u64);
        // SAFETY: ownership.
        unsafe {
            core::LLVMAddAttributeAtIndex(function.value.0, parameter as u32 + 1, attribute);
        }
    }

    /// An attribute of a function, or of parameter `k`.
    pub(super) fn attribute(&self, function: Function, parameter: Option<usize>, name: &str) {
        let index = parameter
            .map_or(llvm_sys::LLVMAttributeFunctionIndex, |parameter| parameter as u32 + 1);
        // SAFETY: ownership.
        unsafe {
            let attribute = self.enum_attribute(name, 0);
            core::LLVMAddAttributeAtIndex(function.value.0, index, attribute);
        }
    }

    fn enum_attribute(&self, name: &str, value: u64) -> llvm_sys::prelude::LLVMAttributeRef {
        // SAFETY: the length of the name is given; an unknown name has kind 0, which is refused.
        unsafe {
            let kind = core::LLVMGetEnumAttributeKindForName(name.as_ptr().cast(), name.len());
            assert_ne!(kind, 0, "LLVM knows the attribute {name}");
            core::LLVMCreateEnumAttribute(self.context.as_ctx_ref(), kind, value)
        }
    }

    pub(super) fn block(&self, function: Function) -> Block {
        let context = self.context.as_ctx_ref();
        // SAFETY: ownership.
        Block(unsafe { core::LLVMAppendBasicBlockInContext(context, function.value.0, NO_NAME) })
    }

    pub(super) fn position(&self, block: Block) {
        // SAFETY: ownership.
        unsafe { core::LLVMPositionBuilderAtEnd(self.builder.as_mut_ptr(), block.0) }
    }

    pub(super) fn current_block(&self) -> Block {
        // SAFETY: the builder is always positioned in a block of the module.
        Block(unsafe { core::LLVMGetInsertBlock(self.builder.as_mut_ptr()) })
    }

    pub(super) fn branch(&self, to: Block) {
        // SAFETY: ownership.
        unsafe { core::LLVMBuildBr(self.builder.as_mut_ptr(), to.0) };
    }

    pub(super) fn branch_if(&self, condition: Value, then: Block, otherwise: Block) {
        let builder = self.builder.as_mut_ptr();
        // SAFETY: ownership.
        unsafe { core::LLVMBuildCondBr(builder, condition.0, then.0, otherwise.0) };
    }

    pub(super) fn return_nothing(&self) {
        // SAFETY: ownership.
        unsafe { core::LLVMBuildRetVoid(self.builder.as_mut_ptr()) };
    }

    pub(super) fn phi(&self, ty: Type) -> Value {
        // SAFETY: ownership.
        Value(unsafe { core::LLVMBuildPhi(self.builder.as_mut_ptr(), ty.0, NO_NAME) })
    }

    /// What a phi is when control comes from a block.
    pub(super) fn incoming(&self, phi: Value, value: Value, block: Block) {
        let (mut values, mut blocks) = ([value.0], [block.0]);
        // SAFETY: ownership; both lists have one entry, which LLVM copies.
        unsafe { core::LLVMAddIncoming(phi.0, values.as_mut_ptr(), blocks.as_mut_ptr(), 1) }
    }

    pub(super) fn call(&self, function: Function, arguments: &[Value]) {
        let mut raw: Vec<LLVMValueRef> = arguments.iter().map(|argument| argument.0).collect();
        let (builder, count) = (self.builder.as_mut_ptr(), raw.len() as u32);
        // SAFETY: ownership; LLVM copies the list, and the verifier compares it with the type.
        unsafe {
            core::LLVMBuildCall2(
                builder,
                function.ty.0,
                function.value.0,
                raw.as_mut_ptr(),
                count,
                NO_NAME,
            )
        };
    }

    /// A call of an address.
    pub(super) fn call_pointer(&self, address: Value, arguments: &[Value]) {
        let mut types: Vec<LLVMTypeRef> =
            arguments.iter().map(|argument| self.type_of(*argument).0).collect();
        let mut raw: Vec<LLVMValueRef> = arguments.iter().map(|argument| argument.0).collect();
        let (builder, count) = (self.builder.as_mut_ptr(), raw.len() as u32);
        // SAFETY: ownership; LLVM copies the lists, and the verifier compares them.
        unsafe {
            let void = core::LLVMVoidTypeInContext(self.context.as_ctx_ref());
            let ty = core::LLVMFunctionType(void, types.as_mut_ptr(), count, 0);
            core::LLVMBuildCall2(builder, ty, address.0, raw.as_mut_ptr(), count, NO_NAME)
        };
    }

    /// The same integer, of which LLVM knows nothing: an instruction of no bytes.
    pub(super) fn hidden(&self, value: Value) -> Value {
        let (text, constraints) = (c"", c"=r,0");
        let builder = self.builder.as_mut_ptr();
        let (mut types, mut arguments) = ([self.type_of(value).0], [value.0]);
        // SAFETY: ownership; LLVM copies texts and lists, whose lengths are given, and the type of the call is that of the text.
        unsafe {
            let ty = core::LLVMFunctionType(types[0], types.as_mut_ptr(), 1, 0);
            let nothing = core::LLVMGetInlineAsm(
                ty,
                text.as_ptr(),
                text.count_bytes(),
                constraints.as_ptr(),
                constraints.count_bytes(),
                0,
                0,
                LLVMInlineAsmDialect::LLVMInlineAsmDialectATT,
                0,
            );
            let call =
                core::LLVMBuildCall2(builder, ty, nothing, arguments.as_mut_ptr(), 1, NO_NAME);
            let of_call = llvm_sys::LLVMAttributeFunctionIndex;
            for name in ["memory", "nounwind", "willreturn"] {
                core::LLVMAddCallSiteAttribute(call, of_call, self.enum_attribute(name, 0));
            }
            Value(call)
        }
    }

    pub(super) fn address_of(&self, function: Function) -> Value {
        function.value
    }

    // --- instructions ---

    pub(super) fn binary(&self, opcode: Opcode, a: Value, b: Value) -> Value {
        // SAFETY: ownership.
        Value(unsafe { core::LLVMBuildBinOp(self.builder.as_mut_ptr(), opcode, a.0, b.0, NO_NAME) })
    }

    /// The sum of two integers that cannot overflow as signed numbers.
    pub(super) fn add_without_overflow(&self, a: Value, b: Value) -> Value {
        // SAFETY: ownership.
        Value(unsafe { core::LLVMBuildNSWAdd(self.builder.as_mut_ptr(), a.0, b.0, NO_NAME) })
    }

    pub(super) fn cast(&self, opcode: Opcode, value: Value, ty: Type) -> Value {
        // SAFETY: ownership.
        Value(unsafe {
            core::LLVMBuildCast(self.builder.as_mut_ptr(), opcode, value.0, ty.0, NO_NAME)
        })
    }

    pub(super) fn float_negate(&self, value: Value) -> Value {
        // SAFETY: ownership.
        Value(unsafe { core::LLVMBuildFNeg(self.builder.as_mut_ptr(), value.0, NO_NAME) })
    }

    pub(super) fn compare_int(&self, predicate: IntPredicate, a: Value, b: Value) -> Value {
        // SAFETY: ownership.
        Value(unsafe {
            core::LLVMBuildICmp(self.builder.as_mut_ptr(), predicate, a.0, b.0, NO_NAME)
        })
    }

    pub(super) fn is_null(&self, pointer: Value) -> Value {
        // SAFETY: ownership.
        Value(unsafe { core::LLVMBuildIsNull(self.builder.as_mut_ptr(), pointer.0, NO_NAME) })
    }

    pub(super) fn compare_real(&self, predicate: RealPredicate, a: Value, b: Value) -> Value {
        // SAFETY: ownership.
        Value(unsafe {
            core::LLVMBuildFCmp(self.builder.as_mut_ptr(), predicate, a.0, b.0, NO_NAME)
        })
    }

    pub(super) fn select(&self, condition: Value, then: Value, otherwise: Value) -> Value {
        let builder = self.builder.as_mut_ptr();
        // SAFETY: ownership.
        Value(unsafe { core::LLVMBuildSelect(builder, condition.0, then.0, otherwise.0, NO_NAME) })
    }

    pub(super) fn extract(&self, vector: Value, index: Value) -> Value {
        let builder = self.builder.as_mut_ptr();
        // SAFETY: ownership.
        Value(unsafe { core::LLVMBuildExtractElement(builder, vector.0, index.0, NO_NAME) })
    }

    /// A field of what an intrinsic gives.
    pub(super) fn field(&self, fields: Value, number: u32) -> Value {
        let builder = self.builder.as_mut_ptr();
        // SAFETY: ownership; callers know how many fields the intrinsic gives.
        Value(unsafe { core::LLVMBuildExtractValue(builder, fields.0, number, NO_NAME) })
    }

    /// A vector of these values; the value itself if it is one.
    pub(super) fn vector_of(&self, parts: &[Value]) -> Value {
        if let [only] = parts {
            return *only;
        }
        let ty = self.vector(self.type_of(parts[0]), parts.len() as u32);
        // SAFETY: ownership.
        let mut vector = Value(unsafe { core::LLVMGetPoison(ty.0) });
        for (lane, part) in (0_i64..).zip(parts) {
            let (builder, index) = (self.builder.as_mut_ptr(), self.constant(self.int(32), lane));
            // SAFETY: ownership.
            vector = Value(unsafe {
                core::LLVMBuildInsertElement(builder, vector.0, part.0, index.0, NO_NAME)
            });
        }
        vector
    }

    /// Lane `k` of the result is lane `lanes[k]` of `vector`.
    pub(super) fn shuffle(&self, vector: Value, lanes: impl Iterator<Item = u32>) -> Value {
        let index = self.int(32);
        let parts: Vec<Value> = lanes.map(|lane| self.constant(index, i64::from(lane))).collect();
        let (mask, builder) = (self.constant_vector(&parts), self.builder.as_mut_ptr());
        // SAFETY: ownership.
        unsafe {
            let other = core::LLVMGetPoison(core::LLVMTypeOf(vector.0));
            Value(core::LLVMBuildShuffleVector(builder, vector.0, other, mask.0, NO_NAME))
        }
    }

    /// Lane `k` of the result is lane `lanes[k]` of two vectors, the second behind the first.
    pub(super) fn shuffle_pair(
        &self,
        first: Value,
        second: Value,
        lanes: impl Iterator<Item = u32>,
    ) -> Value {
        let index = self.int(32);
        let parts: Vec<Value> = lanes.map(|lane| self.constant(index, i64::from(lane))).collect();
        let (mask, builder) = (self.constant_vector(&parts), self.builder.as_mut_ptr());
        // SAFETY: ownership.
        Value(unsafe { core::LLVMBuildShuffleVector(builder, first.0, second.0, mask.0, NO_NAME) })
    }

    /// A vector of `wide` lanes that begins with the `lanes` of `value`; nothing is said of the others.
    pub(super) fn padded(&self, value: Value, lanes: u32, wide: u32) -> Value {
        let (index, builder) = (self.int(32), self.builder.as_mut_ptr());
        // SAFETY: ownership.
        let poison = |ty: Type| Value(unsafe { core::LLVMGetPoison(ty.0) });
        if lanes == 1 {
            let (other, zero) = (poison(self.vector(self.type_of(value), wide)), self.zero(index));
            // SAFETY: ownership.
            return Value(unsafe {
                core::LLVMBuildInsertElement(builder, other.0, value.0, zero.0, NO_NAME)
            });
        }
        let part = |lane| {
            if lane < lanes { self.constant(index, i64::from(lane)) } else { poison(index) }
        };
        let mask = self.constant_vector(&(0..wide).map(part).collect::<Vec<_>>());
        let other = poison(self.type_of(value));
        // SAFETY: ownership.
        Value(unsafe { core::LLVMBuildShuffleVector(builder, value.0, other.0, mask.0, NO_NAME) })
    }

    /// The lanes of `a`, then those of `b`, of the same type.
    pub(super) fn join(&self, a: Value, b: Value, lanes: u32) -> Value {
        self.shuffle_pair(a, b, 0..2 * lanes)
    }

    /// A scalar in every lane.
    pub(super) fn splat(&self, value: Value, lanes: u32) -> Value {
        if lanes == 1 {
            return value;
        }
        let (builder, zero) = (self.builder.as_mut_ptr(), self.constant(self.int(32), 0));
        // SAFETY: ownership.
        let first = unsafe {
            if core::LLVMIsConstant(value.0) != 0 {
                return self.constant_splat(value, lanes);
            }
            let other = core::LLVMGetPoison(self.vector(self.type_of(value), lanes).0);
            Value(core::LLVMBuildInsertElement(builder, other, value.0, zero.0, NO_NAME))
        };
        self.shuffle(first, (0..lanes).map(|_| 0))
    }

    // --- memory ---

    /// Stack memory of a function; leaves the builder anywhere in its block of entry.
    pub(super) fn stack(&self, entry: Block, ty: Type) -> Value {
        let builder = self.builder.as_mut_ptr();
        // In front of everything: code generation may cut the block at a division, and what is behind would move the stack at every call.
        // SAFETY: ownership; an empty block has no first instruction.
        unsafe {
            let first = core::LLVMGetFirstInstruction(entry.0);
            if first.is_null() {
                core::LLVMPositionBuilderAtEnd(builder, entry.0);
            } else {
                core::LLVMPositionBuilderBefore(builder, first);
            }
            Value(core::LLVMBuildAlloca(builder, ty.0, NO_NAME))
        }
    }

    /// The address of element `index`; of a vector of indices, a vector of addresses.
    pub(super) fn element_address(&self, ty: Type, base: Value, index: Value) -> Value {
        let (builder, mut indices) = (self.builder.as_mut_ptr(), [index.0]);
        // SAFETY: ownership; without `inbounds` any result is a plain address.
        Value(unsafe {
            core::LLVMBuildGEP2(builder, ty.0, base.0, indices.as_mut_ptr(), 1, NO_NAME)
        })
    }

    pub(super) fn load(&self, ty: Type, address: Value, align: usize) -> Value {
        // SAFETY: ownership.
        unsafe {
            let load = core::LLVMBuildLoad2(self.builder.as_mut_ptr(), ty.0, address.0, NO_NAME);
            core::LLVMSetAlignment(load, align as u32);
            Value(load)
        }
    }

    /// A load of what nobody writes as long as the function runs.
    pub(super) fn load_constant(&self, ty: Type, address: Value, align: usize) -> Value {
        let (load, context) = (self.load(ty, address, align), self.context.as_ctx_ref());
        let name = "invariant.load";
        // SAFETY: ownership; the length of the name is given, and the list of operands is empty.
        unsafe {
            let (text, length) = (name.as_ptr().cast(), name.len() as u32);
            let kind = core::LLVMGetMDKindIDInContext(context, text, length);
            let empty = core::LLVMMDNodeInContext2(context, std::ptr::null_mut(), 0);
            core::LLVMSetMetadata(load.0, kind, core::LLVMMetadataAsValue(context, empty));
        }
        load
    }

    pub(super) fn store(&self, value: Value, address: Value, align: usize) {
        // SAFETY: ownership.
        unsafe {
            let store = core::LLVMBuildStore(self.builder.as_mut_ptr(), value.0, address.0);
            core::LLVMSetAlignment(store, align as u32);
        }
    }

    /// A call of an intrinsic; `overloads` are the types that complete its name.
    pub(super) fn intrinsic(&self, name: &str, overloads: &[Type], arguments: &[Value]) -> Value {
        let mut types: Vec<LLVMTypeRef> = overloads.iter().map(|ty| ty.0).collect();
        let mut raw: Vec<LLVMValueRef> = arguments.iter().map(|argument| argument.0).collect();
        let (module, context) = (self.module.as_mut_ptr(), self.context.as_ctx_ref());
        let (builder, count) = (self.builder.as_mut_ptr(), raw.len() as u32);
        // SAFETY: ownership; the name's length is given and an unknown name is refused; LLVM copies the lists.
        unsafe {
            let id = core::LLVMLookupIntrinsicID(name.as_ptr().cast(), name.len());
            assert_ne!(id, 0, "LLVM knows the intrinsic {name}");
            let (first, length) = (types.as_mut_ptr(), types.len());
            let function = core::LLVMGetIntrinsicDeclaration(module, id, first, length);
            let ty = core::LLVMIntrinsicGetType(context, id, first, length);
            let wanted = core::LLVMCountParamTypes(ty);
            assert_eq!(wanted, count, "the intrinsic {name} takes {wanted} arguments");
            Value(core::LLVMBuildCall2(builder, ty, function, raw.as_mut_ptr(), count, NO_NAME))
        }
    }

    /// Promises that parameter `parameter` of a call is aligned.
    pub(super) fn align_argument(&self, call: Value, parameter: usize, align: usize) {
        let attribute = self.enum_attribute("align", align as u64);
        // SAFETY: ownership; `call` is an instruction that `intrinsic` made.
        unsafe {
            assert!(!core::LLVMIsACallInst(call.0).is_null(), "only calls have arguments");
            core::LLVMAddCallSiteAttribute(call.0, parameter as u32 + 1, attribute);
        }
    }
}

fn c_string(text: &str) -> CString {
    CString::new(text).expect("names of symbols are made here, without zero bytes")
}
