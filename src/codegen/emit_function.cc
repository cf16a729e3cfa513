#include "codegen/emit_function.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "codegen/operations.h"

namespace dovetail::codegen {
namespace {

using loop::Block;
using loop::Convention;
using loop::Opcode;

// Variables that a block assigns and that live outside of it.
void collect_assigned(const Block& block, std::set<loop::VariableId>* assigned) {
  std::set<loop::VariableId> declared;
  std::set<loop::VariableId> inner;
  for (const loop::Statement& statement : block) {
    if (const auto* declare = std::get_if<loop::Declare>(&statement.node))
      declared.insert(declare->variable);
    if (const auto* assign = std::get_if<loop::Assign>(&statement.node))
      inner.insert(assign->variable);
    if (const auto* loop = std::get_if<loop::For>(&statement.node))
      collect_assigned(*loop->body, &inner);
    if (const auto* repeat = std::get_if<loop::Repeat>(&statement.node))
      collect_assigned(*repeat->body, &inner);
    if (const auto* branch = std::get_if<loop::If>(&statement.node)) {
      collect_assigned(*branch->then_block, &inner);
      collect_assigned(*branch->else_block, &inner);
    }
  }
  std::set_difference(inner.begin(), inner.end(), declared.begin(), declared.end(),
                      std::inserter(*assigned, assigned->end()));
}

// Vector variables of all loops together: tiles of a contraction have more, in every form of their
// tile, than loops that keep a sum or two.
constexpr int kCrowded = 20;

bool is_crowded(const loop::Function& function) {
  return std::count_if(function.variables.begin(), function.variables.end(),
                       [](const loop::Variable& variable) { return variable.type.lanes > 1; }) >=
         kCrowded;
}

bool is_zero(const loop::Definition& constant) {
  const auto* whole = std::get_if<int64_t>(&constant.constant);
  return whole ? *whole == 0 : std::get<double>(constant.constant) == 0;
}

LLVMTypeRef function_type(const ModuleContext& context, const loop::Function& function) {
  LLVMContextRef c = context.context;
  LLVMTypeRef result = LLVMVoidTypeInContext(c);
  std::vector<LLVMTypeRef> types;
  if (function.convention == Convention::kTask) {
    types = {LLVMPointerTypeInContext(c, 0), LLVMInt64TypeInContext(c), LLVMInt32TypeInContext(c)};
  } else {
    for (const loop::Parameter& parameter : function.parameters)
      types.push_back(llvm_type(context, parameter.type));
    if (!function.body.empty()) {
      const auto* call = std::get_if<loop::TailCall>(&function.body.back().node);
      if (call) result = llvm_type(context, call->type);
      if (std::holds_alternative<loop::Return>(function.body.back().node))
        result = LLVMInt32TypeInContext(c);
    }
  }
  return LLVMFunctionType(result, types.data(), static_cast<unsigned>(types.size()), 0);
}

class FunctionEmitter {
 public:
  FunctionEmitter(const ModuleContext& context, const loop::Function& function)
      : context_(context),
        function_(function),
        builder_(LLVMCreateBuilderInContext(context.context)),
        operations_(context, builder_, abilities_of(context.target, function)),
        values_(function.num_values),
        variables_(function.variables.size()),
        is_crowded_(is_crowded(function)) {
    llvm_function_ = LLVMGetNamedFunction(context.module, function.name.c_str());
  }
  ~FunctionEmitter() { LLVMDisposeBuilder(builder_); }
  FunctionEmitter(const FunctionEmitter&) = delete;
  FunctionEmitter& operator=(const FunctionEmitter&) = delete;

  void emit() {
    entry_ = new_block("entry");
    LLVMPositionBuilderAtEnd(builder_, entry_);
    load_arguments();
    block(function_.body);
    if (ends_in_return_) {
      LLVMBuildUnreachable(builder_);
    } else if (!returned_) {
      LLVMBuildRetVoid(builder_);
    }
  }

 private:
  LLVMBasicBlockRef new_block(const char* name) {
    return LLVMAppendBasicBlockInContext(context_.context, llvm_function_, name);
  }
  LLVMTypeRef i64() const { return LLVMInt64TypeInContext(context_.context); }
  LLVMValueRef word(int64_t value) const {
    return LLVMConstInt(i64(), static_cast<unsigned long long>(value), 1);
  }
  LLVMValueRef value(loop::ValueId id) const { return values_[id]; }
  const loop::Type& type(loop::ValueId id) const { return types_.at(id); }

  void define(loop::ValueId id, const loop::Type& type, LLVMValueRef value) {
    values_[id] = value;
    if (types_.size() < values_.size()) types_.resize(values_.size());
    types_[id] = type;
  }

  // A task's arguments lie in 8-byte words.
  void load_arguments() {
    for (size_t i = 0; i < function_.parameters.size(); ++i) {
      const loop::Type& type = function_.parameters[i].type;
      if (function_.convention == Convention::kPlain) {
        arguments_.push_back(LLVMGetParam(llvm_function_, static_cast<unsigned>(i)));
        continue;
      }
      LLVMValueRef slot =
          operations_.address(LLVMGetParam(llvm_function_, 0), word(static_cast<int64_t>(8 * i)));
      LLVMValueRef loaded = LLVMBuildLoad2(builder_, llvm_type(context_, type), slot, "");
      LLVMSetAlignment(loaded, 8);
      arguments_.push_back(loaded);
    }
    if (function_.convention == Convention::kPlain) return;
    arguments_.push_back(LLVMGetParam(llvm_function_, 1));
    arguments_.push_back(LLVMBuildSExt(builder_, LLVMGetParam(llvm_function_, 2), i64(), ""));
  }

  void block(const Block& statements) {
    for (const loop::Statement& statement : statements)
      std::visit([&](const auto& node) { emit(node); }, statement.node);
  }

  void emit(const loop::Definition& d) { define(d.id, d.type, definition(d)); }

  LLVMValueRef definition(const loop::Definition& d) {
    const auto operand = [&](size_t i) { return value(d.operands.at(i)); };
    switch (d.op) {
      case Opcode::kConstant:
        if (is_crowded_ && d.type.lanes > 1 && is_float_register(d.type.dtype) && !is_zero(d))
          return operations_.loaded_constant(d.type, d.constant);
        return operations_.constant(d.type, d.constant);
      case Opcode::kIota:
        return operations_.iota(d.type);
      case Opcode::kArgument:
        return arguments_.at(d.index);
      case Opcode::kReadVariable:
        return variables_.at(d.index);
      case Opcode::kFma:
        return operations_.fma(operand(0), operand(1), operand(2));
      case Opcode::kSelect:
        return LLVMBuildSelect(builder_, operand(0), operand(1), operand(2), "");
      case Opcode::kCast:
        return operations_.cast(type(d.operands[0]), d.type, operand(0));
      case Opcode::kBitcast:
        return LLVMBuildBitCast(builder_, operand(0), llvm_type(context_, d.type), "");
      case Opcode::kBroadcast:
        return operations_.broadcast(d.type, operand(0));
      case Opcode::kExtract:
        return LLVMBuildExtractElement(
            builder_, operand(0),
            LLVMConstInt(LLVMInt32TypeInContext(context_.context), d.index, 0), "");
      case Opcode::kShuffle:
        return operations_.shuffle(operand(0), operand(1), d.lanes_picked);
      case Opcode::kReduceAdd:
      case Opcode::kReduceMin:
      case Opcode::kReduceMax:
        return operations_.reduce(d.op, type(d.operands[0]), operand(0));
      case Opcode::kLoad:
        return operations_.load(d.type, operand(0), operand(1));
      case Opcode::kLoadMasked:
        return operations_.load_masked(d.type, operand(0), operand(1), operand(2));
      case Opcode::kAddress:
        return operations_.address(operand(0), operand(1));
      case Opcode::kSymbolAddress:
        return symbol(d.symbol);
      default:
        break;
    }
    if (d.op >= Opcode::kEq && d.op <= Opcode::kGe)
      return operations_.compare(d.op, type(d.operands[0]), operand(0), operand(1));
    if (d.operands.size() == 1) return operations_.unary(d.op, d.type, operand(0));
    return operations_.binary(d.op, d.type, operand(0), operand(1));
  }

  LLVMValueRef symbol(const std::string& name) const {
    if (LLVMValueRef function = LLVMGetNamedFunction(context_.module, name.c_str()))
      return function;
    LLVMValueRef global = LLVMGetNamedGlobal(context_.module, name.c_str());
    DOVETAIL_CHECK(global, "{} refers to the unknown symbol {}", function_.name, name);
    return global;
  }

  void emit(const loop::Declare& d) { variables_.at(d.variable) = value(d.initial); }
  void emit(const loop::Assign& a) { variables_.at(a.variable) = value(a.value); }
  void emit(const loop::Comment&) {}

  void emit(const loop::Store& s) {
    if (s.count >= 0) {
      operations_.store_masked(type(s.value), value(s.value), value(s.pointer), value(s.offset),
                               value(s.count));
    } else {
      operations_.store(type(s.value), value(s.value), value(s.pointer), value(s.offset));
    }
  }

  void emit(const loop::Prefetch& p) { operations_.prefetch(value(p.pointer), value(p.offset)); }

  // Rotated: a guard, then a body with its test at the end, so that the loop has one branch;
  // without the guard when the bounds are constants. Variables become phis where the loop begins
  // and where it ends.
  void emit(const loop::For& f) {
    LLVMValueRef begin = value(f.begin);
    LLVMValueRef end = value(f.end);
    LLVMValueRef enters = LLVMBuildICmp(builder_, LLVMIntSLT, begin, end, "");
    const bool known = LLVMIsAConstantInt(enters) != nullptr;
    if (known && LLVMConstIntGetZExtValue(enters) == 0) return;
    std::set<loop::VariableId> assigned;
    collect_assigned(*f.body, &assigned);
    LLVMBasicBlockRef before = LLVMGetInsertBlock(builder_);
    LLVMBasicBlockRef body = new_block(f.name.c_str());
    LLVMBasicBlockRef after = new_block("after");
    if (known) {
      LLVMBuildBr(builder_, body);
    } else {
      LLVMBuildCondBr(builder_, enters, body, after);
    }

    LLVMPositionBuilderAtEnd(builder_, body);
    LLVMValueRef index = LLVMBuildPhi(builder_, i64(), f.name.c_str());
    define(f.index, loop::scalar(ir::DType::kI64), index);
    const std::vector<LLVMValueRef> initial = variables_;
    const Phis phis = enter_loop(assigned);
    block(*f.body);
    LLVMValueRef next = LLVMBuildAdd(builder_, index, word(f.step), "");
    LLVMBasicBlockRef latch = LLVMGetInsertBlock(builder_);
    LLVMBuildCondBr(builder_, LLVMBuildICmp(builder_, LLVMIntSLT, next, end, ""), body, after);
    add_incoming(index, begin, before, next, latch);
    for (const auto& [id, phi] : phis)
      add_incoming(phi, initial[id], before, variables_[id], latch);

    LLVMPositionBuilderAtEnd(builder_, after);
    if (!known) join(assigned, initial, before, variables_, latch);
  }

  // Variables that a loop's body sets are phis at its start, whose first values are those now.
  using Phis = std::vector<std::pair<loop::VariableId, LLVMValueRef>>;
  Phis enter_loop(const std::set<loop::VariableId>& assigned) {
    Phis phis;
    for (const loop::VariableId id : assigned) {
      const char* name = function_.variables[id].name.c_str();
      phis.emplace_back(id, LLVMBuildPhi(builder_, LLVMTypeOf(variables_[id]), name));
      variables_[id] = phis.back().second;
    }
    return phis;
  }

  void emit(const loop::If& branch) {
    std::set<loop::VariableId> assigned;
    collect_assigned(*branch.then_block, &assigned);
    collect_assigned(*branch.else_block, &assigned);
    LLVMBasicBlockRef then_block = new_block("then");
    LLVMBasicBlockRef else_block = new_block("else");
    LLVMBasicBlockRef after = new_block("after");
    LLVMBuildCondBr(builder_, value(branch.condition), then_block, else_block);
    const std::vector<LLVMValueRef> initial = variables_;
    const auto arm = [&](LLVMBasicBlockRef start, const Block& statements) {
      variables_ = initial;
      LLVMPositionBuilderAtEnd(builder_, start);
      block(statements);
      LLVMBasicBlockRef last = LLVMGetInsertBlock(builder_);
      LLVMBuildBr(builder_, after);
      return std::pair(last, variables_);
    };
    const auto [then_end, then_values] = arm(then_block, *branch.then_block);
    const auto [else_end, else_values] = arm(else_block, *branch.else_block);
    LLVMPositionBuilderAtEnd(builder_, after);
    variables_ = initial;
    join(assigned, then_values, then_end, else_values, else_end);
  }

  void emit(const loop::Repeat& repeat) {
    std::set<loop::VariableId> assigned;
    collect_assigned(*repeat.body, &assigned);
    LLVMBasicBlockRef before = LLVMGetInsertBlock(builder_);
    LLVMBasicBlockRef body = new_block("repeat");
    LLVMBasicBlockRef after = new_block("after");
    LLVMBuildBr(builder_, body);
    LLVMPositionBuilderAtEnd(builder_, body);
    const std::vector<LLVMValueRef> initial = variables_;
    const Phis phis = enter_loop(assigned);
    block(*repeat.body);
    LLVMBasicBlockRef latch = LLVMGetInsertBlock(builder_);
    LLVMBuildCondBr(builder_, value(repeat.again), body, after);
    for (const auto& [id, phi] : phis)
      add_incoming(phi, initial[id], before, variables_[id], latch);
    LLVMPositionBuilderAtEnd(builder_, after);
  }

  static void add_incoming(LLVMValueRef phi, LLVMValueRef a, LLVMBasicBlockRef from_a,
                           LLVMValueRef b, LLVMBasicBlockRef from_b) {
    LLVMValueRef values[] = {a, b};
    LLVMBasicBlockRef blocks[] = {from_a, from_b};
    LLVMAddIncoming(phi, values, blocks, 2);
  }

  void join(const std::set<loop::VariableId>& assigned, const std::vector<LLVMValueRef>& a,
            LLVMBasicBlockRef from_a, std::vector<LLVMValueRef> b, LLVMBasicBlockRef from_b) {
    for (const loop::VariableId id : assigned) {
      LLVMValueRef phi =
          LLVMBuildPhi(builder_, LLVMTypeOf(a[id]), function_.variables[id].name.c_str());
      add_incoming(phi, a[id], from_a, b[id], from_b);
      variables_[id] = phi;
    }
  }

  // One array for the arguments of all calls.
  LLVMValueRef words_array(size_t count) {
    LLVMBasicBlockRef here = LLVMGetInsertBlock(builder_);
    if (count > words_count_ || !words_) {
      LLVMValueRef first = LLVMGetFirstInstruction(entry_);
      first ? LLVMPositionBuilderBefore(builder_, first)
            : LLVMPositionBuilderAtEnd(builder_, entry_);
      words_count_ = std::max<size_t>(count, 32);
      words_ = LLVMBuildAlloca(builder_, LLVMArrayType2(i64(), words_count_), "words");
      LLVMPositionBuilderAtEnd(builder_, here);
    }
    return words_;
  }

  void emit(const loop::ParallelCall& c) {
    LLVMValueRef words = words_array(c.words.size());
    for (size_t i = 0; i < c.words.size(); ++i) {
      LLVMValueRef slot = operations_.address(words, word(static_cast<int64_t>(8 * i)));
      LLVMSetAlignment(LLVMBuildStore(builder_, value(c.words[i]), slot), 8);
    }
    LLVMValueRef callee = symbol(c.callee);
    LLVMValueRef chunks = value(c.chunks);
    LLVMContextRef context = context_.context;
    LLVMTypeRef pointer = LLVMPointerTypeInContext(context, 0);
    if (LLVMIsAConstantInt(chunks) && LLVMConstIntGetSExtValue(chunks) == 1) {
      LLVMTypeRef types[] = {pointer, i64(), LLVMInt32TypeInContext(context)};
      LLVMValueRef arguments[] = {words, word(0),
                                  LLVMConstInt(LLVMInt32TypeInContext(context), 0, 0)};
      LLVMBuildCall2(builder_, LLVMFunctionType(LLVMVoidTypeInContext(context), types, 3, 0),
                     callee, arguments, 3, "");
      return;
    }
    LLVMTypeRef types[] = {pointer, pointer, pointer, i64()};
    LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(context), types, 4, 0);
    LLVMValueRef parallel_for = executor_function("dovetail_parallel_for", type);
    LLVMValueRef arguments[] = {value(c.call), callee, words, chunks};
    LLVMBuildCall2(builder_, type, parallel_for, arguments, 4, "");
  }

  LLVMValueRef executor_function(const std::string& name, LLVMTypeRef type) {
    LLVMValueRef function = LLVMGetNamedFunction(context_.module, name.c_str());
    if (function) return function;
    function = LLVMAddFunction(context_.module, name.c_str(), type);
    LLVMSetVisibility(function, LLVMHiddenVisibility);
    return function;
  }

  void emit(const loop::CheckedCall& c) {
    std::vector<LLVMTypeRef> types;
    std::vector<LLVMValueRef> arguments;
    for (const loop::ValueId id : c.arguments) {
      arguments.push_back(value(id));
      types.push_back(LLVMTypeOf(value(id)));
    }
    const auto count = static_cast<unsigned>(arguments.size());
    LLVMTypeRef i32 = LLVMInt32TypeInContext(context_.context);
    LLVMTypeRef type = LLVMFunctionType(i32, types.data(), count, 0);
    LLVMValueRef status = LLVMBuildCall2(builder_, type, executor_function(c.callee, type),
                                         arguments.data(), count, "");
    LLVMBasicBlockRef failed = new_block("failed");
    LLVMBasicBlockRef after = new_block("after");
    LLVMValueRef zero = LLVMConstInt(i32, 0, 0);
    LLVMBuildCondBr(builder_, LLVMBuildICmp(builder_, LLVMIntNE, status, zero, ""), failed, after);
    LLVMPositionBuilderAtEnd(builder_, failed);
    LLVMBuildRet(builder_, status);
    LLVMPositionBuilderAtEnd(builder_, after);
  }

  // What stands behind a return is never reached, but takes a block of its own.
  void emit(const loop::Return& r) {
    LLVMBuildRet(builder_, LLVMConstInt(LLVMInt32TypeInContext(context_.context),
                                        static_cast<unsigned long long>(r.status), 1));
    LLVMPositionBuilderAtEnd(builder_, new_block("unreached"));
    ends_in_return_ = true;
  }

  void emit(const loop::TailCall& c) {
    std::vector<LLVMTypeRef> types;
    std::vector<LLVMValueRef> arguments;
    for (const loop::ValueId id : c.arguments) {
      arguments.push_back(value(id));
      types.push_back(LLVMTypeOf(value(id)));
    }
    const auto count = static_cast<unsigned>(arguments.size());
    LLVMTypeRef type = LLVMFunctionType(llvm_type(context_, c.type), types.data(), count, 0);
    LLVMBuildRet(builder_,
                 LLVMBuildCall2(builder_, type, symbol(c.callee), arguments.data(), count, ""));
    returned_ = true;
  }

  const ModuleContext& context_;
  const loop::Function& function_;
  LLVMBuilderRef builder_;
  Operations operations_;
  LLVMValueRef llvm_function_ = nullptr;
  LLVMBasicBlockRef entry_ = nullptr;
  std::vector<LLVMValueRef> values_, variables_, arguments_;
  bool is_crowded_;
  std::vector<loop::Type> types_;
  LLVMValueRef words_ = nullptr;
  size_t words_count_ = 0;
  bool returned_ = false;
  bool ends_in_return_ = false;
};

void add_attribute(const ModuleContext& context, LLVMValueRef function, std::string_view name,
                   std::string_view value) {
  LLVMAttributeRef attribute =
      LLVMCreateStringAttribute(context.context, name.data(), static_cast<unsigned>(name.size()),
                                value.data(), static_cast<unsigned>(value.size()));
  LLVMAddAttributeAtIndex(function, LLVMAttributeFunctionIndex, attribute);
}

void add_attribute(const ModuleContext& context, LLVMValueRef function, std::string_view name,
                   uint64_t value) {
  const unsigned kind = LLVMGetEnumAttributeKindForName(name.data(), name.size());
  LLVMAddAttributeAtIndex(function, LLVMAttributeFunctionIndex,
                          LLVMCreateEnumAttribute(context.context, kind, value));
}

}  // namespace

LLVMValueRef declare_function(const ModuleContext& context, const loop::Function& function) {
  LLVMValueRef declared =
      LLVMAddFunction(context.module, function.name.c_str(), function_type(context, function));
  // Other parts of the module may call it.
  if (!function.exported) LLVMSetVisibility(declared, LLVMHiddenVisibility);
  LLVMSetSection(declared, (".text." + function.name).c_str());
  const bool own_level = !function.llvm_cpu.empty();
  add_attribute(context, declared, "target-cpu",
                own_level ? function.llvm_cpu : ir::baseline(context.target).llvm_cpu);
  if (!function.llvm_features.empty()) {
    add_attribute(context, declared, "target-features", function.llvm_features);
  }
  // 512-bit registers wherever there are any; LLVM alone keeps to 256 bits.
  if (abilities_of(context.target, function).wide) {
    add_attribute(context, declared, "prefer-vector-width", "512");
  }
  // Loops must not become calls of memcpy or memset: there is no library to call.
  add_attribute(context, declared, "no-builtins", "");
  add_attribute(context, declared, "nounwind", 0);
  add_attribute(context, declared, "uwtable", 2);
  return declared;
}

void emit_function(const ModuleContext& context, const loop::Function& function) {
  FunctionEmitter(context, function).emit();
}

}  // namespace dovetail::codegen
