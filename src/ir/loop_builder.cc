#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "base/error.h"
#include "ir/loop.h"

namespace dovetail::loop {

struct Builder::Impl {
  std::vector<Block*> blocks;                                  // innermost last
  std::map<ValueId, std::variant<int64_t, double>> constants;  // known values, for folding
  ValueId chunk = -1, worker = -1;
};

namespace {

bool is_comparison(Opcode op) { return op >= Opcode::kEq && op <= Opcode::kGe; }

Type bool_like(const Type& type) { return {DType::kBool, type.lanes, false}; }

std::optional<int64_t> fold(Opcode op, int64_t a, int64_t b) {
  const auto x = static_cast<uint64_t>(a);
  const auto y = static_cast<uint64_t>(b);
  switch (op) {
    case Opcode::kAdd:
      return static_cast<int64_t>(x + y);
    case Opcode::kSub:
      return static_cast<int64_t>(x - y);
    case Opcode::kMul:
      return static_cast<int64_t>(x * y);
    case Opcode::kDiv:
      return b == 0 ? 0 : (b == -1 ? static_cast<int64_t>(0 - x) : a / b);
    case Opcode::kRem:
      return b == 0 || b == -1 ? 0 : a % b;
    case Opcode::kMin:
      return a < b ? a : b;
    case Opcode::kMax:
      return a > b ? a : b;
    default:
      return std::nullopt;
  }
}

}  // namespace

Builder::Builder(std::string name, Convention convention)
    : impl_(std::make_shared<Impl>()), function_(std::make_unique<Function>()) {
  function_->name = std::move(name);
  function_->convention = convention;
  impl_->blocks.push_back(&function_->body);
}

// Appends a definition to the current block.
Value Builder::define(Definition definition) {
  definition.id = function_->num_values++;
  const Value value(this, definition.id, definition.type);
  if (definition.op == Opcode::kConstant) impl_->constants[definition.id] = definition.constant;
  impl_->blocks.back()->push_back({std::move(definition)});
  return value;
}

Value Builder::pointer_parameter(const std::string& name) { return parameter(name, pointer()); }
Value Builder::int_parameter(const std::string& name) {
  return parameter(name, scalar(DType::kI64));
}

Value Builder::parameter(const std::string& name, Type type) {
  DOVETAIL_CHECK(impl_->chunk < 0 && impl_->worker < 0, "parameter {} comes after chunk or worker",
                 name);
  Definition definition{.id = 0, .op = Opcode::kArgument, .type = type, .operands = {}};
  definition.index = static_cast<int32_t>(function_->parameters.size());
  function_->parameters.push_back({name, type});
  return define(std::move(definition));
}

// Chunk and worker are two more arguments; they are defined where the function begins, wherever
// they are asked for first.
Value Builder::task_argument(ValueId* id, int32_t position) {
  DOVETAIL_CHECK(function_->convention == Convention::kTask, "only tasks have chunks and workers");
  if (*id < 0) {
    Definition definition{.id = function_->num_values++,
                          .op = Opcode::kArgument,
                          .type = scalar(DType::kI64),
                          .operands = {}};
    definition.index = static_cast<int32_t>(function_->parameters.size()) + position;
    *id = definition.id;
    function_->body.insert(function_->body.begin(), Statement{std::move(definition)});
  }
  return Value(this, *id, scalar(DType::kI64));
}

Value Builder::chunk() { return task_argument(&impl_->chunk, 0); }
Value Builder::worker() { return task_argument(&impl_->worker, 1); }

Value Builder::constant(int64_t value, Type type) {
  Definition definition{.id = 0, .op = Opcode::kConstant, .type = type, .operands = {}};
  if (ir::is_float(type.dtype)) {
    definition.constant = static_cast<double>(value);
  } else {
    definition.constant = value;
  }
  return define(std::move(definition));
}

Value Builder::constant(double value, Type type) {
  if (!ir::is_float(type.dtype)) {
    const int64_t whole = std::abs(value) < 0x1p63 ? static_cast<int64_t>(value) : 0;
    DOVETAIL_CHECK(static_cast<double>(whole) == value, "{}: {} is no constant of type {}",
                   function_->name, value, ir::name_of(type.dtype));
    return constant(whole, type);
  }
  Definition definition{.id = 0, .op = Opcode::kConstant, .type = type, .operands = {}};
  definition.constant = value;
  return define(std::move(definition));
}

Value Builder::iota(Type type) {
  return define({.id = 0, .op = Opcode::kIota, .type = type, .operands = {}});
}

Value Builder::unary(Opcode op, const Value& a) {
  return define({.id = 0, .op = op, .type = a.type(), .operands = {a.id()}});
}

Value Builder::binary(Opcode op, const Value& a, const Value& b) {
  DOVETAIL_CHECK(a.type() == b.type(), "{}: an operation on unequal types", function_->name);
  const auto x = impl_->constants.find(a.id());
  const auto y = impl_->constants.find(b.id());
  const bool has_x = x != impl_->constants.end();
  const bool has_y = y != impl_->constants.end();
  if (a.type() == scalar(DType::kI64)) {
    if (has_x && has_y) {
      if (const auto value = fold(op, std::get<int64_t>(x->second), std::get<int64_t>(y->second)))
        return constant(*value);
    }
    const auto is = [](bool known, auto it, int64_t value) {
      return known && std::get<int64_t>(it->second) == value;
    };
    if (op == Opcode::kAdd && is(has_x, x, 0)) return b;
    if ((op == Opcode::kAdd || op == Opcode::kSub) && is(has_y, y, 0)) return a;
    if (op == Opcode::kMul && is(has_x, x, 1)) return b;
    if ((op == Opcode::kMul || op == Opcode::kDiv) && is(has_y, y, 1)) return a;
    if (op == Opcode::kMul && (is(has_x, x, 0) || is(has_y, y, 0))) return constant(int64_t{0});
  }
  return define({.id = 0, .op = op, .type = a.type(), .operands = {a.id(), b.id()}});
}

Value Builder::compare(Opcode op, const Value& a, const Value& b) {
  DOVETAIL_CHECK(is_comparison(op) && a.type() == b.type(), "{}: a comparison of unequal types",
                 function_->name);
  return define({.id = 0, .op = op, .type = bool_like(a.type()), .operands = {a.id(), b.id()}});
}

Value Builder::select(const Value& condition, const Value& a, const Value& b) {
  DOVETAIL_CHECK(a.type() == b.type() && condition.type() == bool_like(a.type()),
                 "{}: a select of unequal types", function_->name);
  return define({.id = 0,
                 .op = Opcode::kSelect,
                 .type = a.type(),
                 .operands = {condition.id(), a.id(), b.id()}});
}

Value Builder::fma(const Value& a, const Value& b, const Value& c) {
  DOVETAIL_CHECK(a.type() == b.type() && a.type() == c.type(), "{}: fma of unequal types",
                 function_->name);
  return define(
      {.id = 0, .op = Opcode::kFma, .type = a.type(), .operands = {a.id(), b.id(), c.id()}});
}

Value Builder::cast(const Value& a, DType dtype) {
  if (a.dtype() == dtype) return a;
  return define(
      {.id = 0, .op = Opcode::kCast, .type = {dtype, a.lanes(), false}, .operands = {a.id()}});
}

Value Builder::bitcast(const Value& a, DType dtype) {
  if (a.dtype() == dtype) return a;
  DOVETAIL_CHECK(ir::size_of(a.dtype()) == ir::size_of(dtype), "{}: a bitcast to another width",
                 function_->name);
  return define(
      {.id = 0, .op = Opcode::kBitcast, .type = {dtype, a.lanes(), false}, .operands = {a.id()}});
}

Value Builder::broadcast(const Value& a, int lanes) {
  if (lanes == a.lanes()) return a;
  DOVETAIL_CHECK(a.lanes() == 1, "{}: a broadcast of a vector", function_->name);
  if (const auto known = impl_->constants.find(a.id()); known != impl_->constants.end()) {
    Definition definition{
        .id = 0, .op = Opcode::kConstant, .type = {a.dtype(), lanes, false}, .operands = {}};
    definition.constant = known->second;
    return define(std::move(definition));
  }
  return define(
      {.id = 0, .op = Opcode::kBroadcast, .type = {a.dtype(), lanes, false}, .operands = {a.id()}});
}

Value Builder::extract(const Value& a, int lane) {
  if (a.lanes() == 1) return a;
  Definition definition{
      .id = 0, .op = Opcode::kExtract, .type = scalar(a.dtype()), .operands = {a.id()}};
  definition.index = lane;
  return define(std::move(definition));
}

Value Builder::shuffle(const Value& a, const Value& b, std::vector<int32_t> lanes_picked) {
  DOVETAIL_CHECK(a.type() == b.type(), "{}: a shuffle of unequal types", function_->name);
  Definition definition{.id = 0,
                        .op = Opcode::kShuffle,
                        .type = {a.dtype(), static_cast<int>(lanes_picked.size()), false},
                        .operands = {a.id(), b.id()}};
  definition.lanes_picked = std::move(lanes_picked);
  return define(std::move(definition));
}

Value Builder::reduce(Opcode op, const Value& a) {
  if (a.lanes() == 1) return a;
  return define({.id = 0, .op = op, .type = scalar(a.dtype()), .operands = {a.id()}});
}

Value Builder::element(const Value& index, DType dtype) { return index * ir::size_of(dtype); }

Value Builder::load(Type type, const Value& from, const Value& byte_offset) {
  DOVETAIL_CHECK(!type.pointer, "{}: pointers are loaded by load_pointer", function_->name);
  return define(
      {.id = 0, .op = Opcode::kLoad, .type = type, .operands = {from.id(), byte_offset.id()}});
}

Value Builder::load_masked(Type type, const Value& from, const Value& byte_offset,
                           const Value& count) {
  return define({.id = 0,
                 .op = Opcode::kLoadMasked,
                 .type = type,
                 .operands = {from.id(), byte_offset.id(), count.id()}});
}

Value Builder::load_pointer(const Value& table, int64_t index) {
  Definition definition{.id = 0,
                        .op = Opcode::kLoad,
                        .type = pointer(),
                        .operands = {table.id(), constant(index).id()}};
  return define(std::move(definition));
}

Value Builder::address(const Value& from, const Value& byte_offset) {
  const auto known = impl_->constants.find(byte_offset.id());
  if (known != impl_->constants.end() && std::get<int64_t>(known->second) == 0) {
    return from;
  }
  return define({.id = 0,
                 .op = Opcode::kAddress,
                 .type = pointer(),
                 .operands = {from.id(), byte_offset.id()}});
}

Value Builder::symbol_address(const std::string& symbol) {
  Definition definition{.id = 0, .op = Opcode::kSymbolAddress, .type = pointer(), .operands = {}};
  definition.symbol = symbol;
  return define(std::move(definition));
}

void Builder::store(const Value& value, const Value& to, const Value& byte_offset) {
  impl_->blocks.back()->push_back({Store{to.id(), byte_offset.id(), value.id()}});
}

void Builder::store_masked(const Value& value, const Value& to, const Value& byte_offset,
                           const Value& count) {
  impl_->blocks.back()->push_back({Store{to.id(), byte_offset.id(), value.id(), count.id()}});
}

void Builder::prefetch(const Value& pointer, const Value& byte_offset) {
  impl_->blocks.back()->push_back({Prefetch{pointer.id(), byte_offset.id()}});
}

Var Builder::var(const std::string& name, const Value& initial) {
  const auto id = static_cast<VariableId>(function_->variables.size());
  function_->variables.push_back({name, initial.type()});
  impl_->blocks.back()->push_back({Declare{id, initial.id()}});
  return Var(this, id, initial.type());
}

void Builder::for_each(const std::string& name, const Value& begin, const Value& end, int64_t step,
                       const std::function<void(Value)>& body) {
  DOVETAIL_CHECK(step > 0, "{}: loop {} has step {}", function_->name, name, step);
  For loop{function_->num_values++, begin.id(), end.id(), step, name, std::make_shared<Block>()};
  Block* block = loop.body.get();
  const Value index(this, loop.index, scalar(DType::kI64));
  impl_->blocks.back()->push_back({std::move(loop)});
  impl_->blocks.push_back(block);
  body(index);
  impl_->blocks.pop_back();
}

void Builder::if_(const Value& condition, const std::function<void()>& then_block,
                  const std::function<void()>& else_block) {
  If branch{condition.id(), std::make_shared<Block>(), std::make_shared<Block>()};
  Block* then_body = branch.then_block.get();
  Block* else_body = branch.else_block.get();
  impl_->blocks.back()->push_back({std::move(branch)});
  impl_->blocks.push_back(then_body);
  then_block();
  impl_->blocks.back() = else_body;
  if (else_block) else_block();
  impl_->blocks.pop_back();
}

void Builder::parallel_call(const std::string& callee, const Value& call,
                            const std::vector<Value>& words, const Value& chunks) {
  ParallelCall statement{callee, call.id(), {}, chunks.id()};
  for (const Value& word : words) statement.words.push_back(word.id());
  impl_->blocks.back()->push_back({std::move(statement)});
}

void Builder::repeat(const std::function<Value()>& body) {
  const auto block = std::make_shared<Block>();
  impl_->blocks.back()->push_back({Repeat{block}});
  // The block that holds the loop may move its statements while the body is written: the loop is
  // found again by its place.
  Block* holder = impl_->blocks.back();
  const size_t place = holder->size() - 1;
  impl_->blocks.push_back(block.get());
  const ValueId again = body().id();
  impl_->blocks.pop_back();
  std::get<Repeat>((*holder)[place].node).again = again;
}

void Builder::checked_call(const std::string& callee, const std::vector<Value>& arguments) {
  CheckedCall statement{callee, {}};
  for (const Value& argument : arguments) statement.arguments.push_back(argument.id());
  impl_->blocks.back()->push_back({std::move(statement)});
}

void Builder::return_(int32_t status) { impl_->blocks.back()->push_back({Return{status}}); }

void Builder::comment(const std::string& text) { impl_->blocks.back()->push_back({Comment{text}}); }

void Builder::tail_call(const std::string& callee, const std::vector<Value>& arguments, Type type) {
  TailCall statement{callee, {}, type};
  for (const Value& argument : arguments) statement.arguments.push_back(argument.id());
  impl_->blocks.back()->push_back({std::move(statement)});
}

Function Builder::finish() {
  verify(*function_);
  return std::move(*function_);
}

Value Var::get() const {
  Definition definition{.id = 0, .op = Opcode::kReadVariable, .type = type_, .operands = {}};
  definition.index = id_;
  return builder_->define(std::move(definition));
}

void Var::set(const Value& value) const {
  DOVETAIL_CHECK(value.type() == type_, "an assignment of another type");
  builder_->impl_->blocks.back()->push_back({Assign{id_, value.id()}});
}

Value operator+(const Value& a, const Value& b) { return a.builder()->binary(Opcode::kAdd, a, b); }
Value operator-(const Value& a, const Value& b) { return a.builder()->binary(Opcode::kSub, a, b); }
Value operator*(const Value& a, const Value& b) { return a.builder()->binary(Opcode::kMul, a, b); }
Value operator/(const Value& a, const Value& b) { return a.builder()->binary(Opcode::kDiv, a, b); }
Value operator%(const Value& a, const Value& b) { return a.builder()->binary(Opcode::kRem, a, b); }
Value operator-(const Value& a) { return a.builder()->unary(Opcode::kNeg, a); }
Value min(const Value& a, const Value& b) { return a.builder()->binary(Opcode::kMin, a, b); }
Value max(const Value& a, const Value& b) { return a.builder()->binary(Opcode::kMax, a, b); }
Value operator<(const Value& a, const Value& b) { return a.builder()->compare(Opcode::kLt, a, b); }
Value operator<=(const Value& a, const Value& b) { return a.builder()->compare(Opcode::kLe, a, b); }
Value operator>(const Value& a, const Value& b) { return a.builder()->compare(Opcode::kGt, a, b); }
Value operator>=(const Value& a, const Value& b) { return a.builder()->compare(Opcode::kGe, a, b); }
Value operator==(const Value& a, const Value& b) { return a.builder()->compare(Opcode::kEq, a, b); }
Value operator!=(const Value& a, const Value& b) { return a.builder()->compare(Opcode::kNe, a, b); }

}  // namespace dovetail::loop
