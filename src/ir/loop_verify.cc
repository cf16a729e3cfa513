#include <bit>
#include <string_view>

#include "base/error.h"
#include "ir/loop.h"

namespace dovetail::loop {
namespace {

// Half precision is for memory only.
bool is_real(const Type& type) {
  return !type.pointer && (type.dtype == DType::kF32 || type.dtype == DType::kF64);
}
bool is_half(const Type& type) {
  return !type.pointer && (type.dtype == DType::kF16 || type.dtype == DType::kBF16);
}
bool is_integer(const Type& type) { return !type.pointer && ir::is_int(type.dtype); }
bool is_bool(const Type& type) { return !type.pointer && type.dtype == DType::kBool; }
Type with(const Type& type, DType dtype, int lanes) { return {dtype, lanes, type.pointer}; }

size_t operands_of(Opcode op) {
  switch (op) {
    case Opcode::kConstant:
    case Opcode::kIota:
    case Opcode::kArgument:
    case Opcode::kReadVariable:
    case Opcode::kSymbolAddress:
      return 0;
    case Opcode::kFma:
    case Opcode::kSelect:
    case Opcode::kLoadMasked:
      return 3;
    case Opcode::kNeg:
    case Opcode::kNot:
    case Opcode::kAbs:
    case Opcode::kSqrt:
    case Opcode::kFloor:
    case Opcode::kCeil:
    case Opcode::kTrunc:
    case Opcode::kRoundEven:
    case Opcode::kCast:
    case Opcode::kBitcast:
    case Opcode::kBroadcast:
    case Opcode::kExtract:
    case Opcode::kReduceAdd:
    case Opcode::kReduceMin:
    case Opcode::kReduceMax:
      return 1;
    default:
      return 2;
  }
}

// Is there such arithmetic on the type?
bool allowed(Opcode op, const Type& type) {
  switch (op) {
    case Opcode::kAdd:
    case Opcode::kSub:
    case Opcode::kMul:
    case Opcode::kDiv:
    case Opcode::kNeg:
    case Opcode::kAbs:
    case Opcode::kFloor:
    case Opcode::kCeil:
    case Opcode::kTrunc:
    case Opcode::kRoundEven:
    case Opcode::kReduceAdd:
      return is_real(type) || is_integer(type);
    case Opcode::kRem:
    case Opcode::kShl:
    case Opcode::kShr:
    case Opcode::kIota:
      return is_integer(type);
    case Opcode::kAnd:
    case Opcode::kOr:
    case Opcode::kXor:
    case Opcode::kNot:
      return is_integer(type) || is_bool(type);
    case Opcode::kFma:
    case Opcode::kSqrt:
      return is_real(type);
    default:  // kMin, kMax, comparisons, kReduceMin, kReduceMax
      return !type.pointer && !is_half(type);
  }
}

class Verifier {
 public:
  explicit Verifier(const Function& function)
      : function_(function),
        types_(function.num_values),
        visible_(function.num_values, false),
        defined_(function.num_values, false),
        declared_(function.variables.size(), false),
        lives_(function.variables.size(), false) {}

  void run() {
    check(!function_.name.empty(), "it has no name");
    for (const Parameter& parameter : function_.parameters) {
      check(parameter.type.lanes == 1, "a parameter is a vector");
    }
    block(function_.body);
  }

 private:
  void check(bool condition, std::string_view what) const {
    DOVETAIL_CHECK(condition, "loop IR of {}: {}", function_.name, what);
  }

  const Type& use(ValueId id) const {
    check(id >= 0 && id < function_.num_values && visible_[id],
          "a value is used where it is not defined");
    return types_[id];
  }
  void use_int(ValueId id) const {
    check(use(id) == scalar(DType::kI64), "an offset, extent or count is not int64");
  }
  void use_pointer(ValueId id) const { check(use(id).pointer, "not a pointer"); }

  void define(ValueId id, const Type& type) {
    check(id >= 0 && id < function_.num_values && !defined_[id], "a value is defined twice");
    check(type.lanes >= 1 && (!type.pointer || type == pointer()), "a value has no sound type");
    types_[id] = type;
    visible_[id] = defined_[id] = true;
    scope_.push_back(id);
  }

  // Names of a block end with it.
  void block(const Block& block) {
    const size_t values = scope_.size();
    const size_t variables = live_.size();
    statements(block);
    leave(values, variables);
  }

  void statements(const Block& statements) {
    for (size_t i = 0; i < statements.size(); ++i) {
      const auto& node = statements[i].node;
      check(!std::holds_alternative<TailCall>(node) ||
                (&statements == &function_.body && i + 1 == statements.size()),
            "a tail call is not the last statement");
      std::visit([&](const auto& statement) { visit(statement); }, node);
    }
  }

  void leave(size_t values, size_t variables) {
    for (; scope_.size() > values; scope_.pop_back()) visible_[scope_.back()] = false;
    for (; live_.size() > variables; live_.pop_back()) lives_[live_.back()] = false;
  }

  void visit(const Definition& d) {
    check(d.operands.size() == operands_of(d.op), "an operation has a wrong number of operands");
    for (const ValueId operand : d.operands) use(operand);
    if (d.op >= Opcode::kAdd && d.op <= Opcode::kFma) {
      for (const ValueId id : d.operands) check(types_[id] == d.type, "an operand of another type");
      check(allowed(d.op, d.type), "an operation that its type does not have");
    } else if (d.op >= Opcode::kEq && d.op <= Opcode::kGe) {
      const Type& a = types_[d.operands[0]];
      check(a == types_[d.operands[1]] && allowed(d.op, a), "a comparison of unequal types");
      check(d.type == vector(DType::kBool, a.lanes), "a comparison does not give bool");
    } else if (d.op >= Opcode::kLoad && d.op <= Opcode::kAddress) {
      memory(d);
    } else {
      other(d);
    }
    define(d.id, d.type);
  }

  void memory(const Definition& d) const {
    use_pointer(d.operands[0]);
    use_int(d.operands[1]);
    if (d.op == Opcode::kLoadMasked) {
      use_int(d.operands[2]);
      check(!d.type.pointer, "a masked load of pointers");
    }
    check(d.op != Opcode::kAddress || d.type.pointer, "an address is not a pointer");
  }

  void other(const Definition& d) const {
    const Type a = d.operands.empty() ? d.type : types_[d.operands[0]];
    switch (d.op) {
      case Opcode::kConstant:
        check(!d.type.pointer, "a constant pointer");
        check(is_real(d.type) || is_half(d.type) || std::holds_alternative<int64_t>(d.constant),
              "a constant with a fraction of a type without");
        break;
      case Opcode::kIota:
        check(allowed(d.op, d.type), "an iota that is not of integers");
        break;
      case Opcode::kArgument:
        check(d.index >= 0 && d.type == argument_type(d.index), "an argument of another type");
        break;
      case Opcode::kReadVariable:
        check(lives(d.index), "a variable is read where it does not live");
        check(d.type == function_.variables[d.index].type, "a variable is read as another type");
        break;
      case Opcode::kSelect:
        check(a == vector(DType::kBool, d.type.lanes), "a select without a bool for every lane");
        check(types_[d.operands[1]] == d.type && types_[d.operands[2]] == d.type,
              "a select of unequal types");
        break;
      case Opcode::kCast:
        check(!a.pointer && with(a, d.type.dtype, a.lanes) == d.type, "a cast changes the lanes");
        break;
      case Opcode::kBitcast:
        check(!a.pointer && with(a, d.type.dtype, a.lanes) == d.type && !is_bool(a) &&
                  !is_bool(d.type) && ir::size_of(a.dtype) == ir::size_of(d.type.dtype),
              "a bitcast to another width");
        break;
      case Opcode::kSymbolAddress:
        check(d.type.pointer && !d.symbol.empty(), "a symbol's address is not a pointer");
        break;
      default:
        lanes(d, a);
    }
  }

  // Moves between lanes.
  void lanes(const Definition& d, const Type& a) const {
    check(!a.pointer && a.dtype == d.type.dtype && !d.type.pointer, "lanes change their type");
    if (d.op == Opcode::kBroadcast) {
      check(a.lanes == 1 && d.type.lanes > 1, "a broadcast that is not of a scalar");
    } else if (d.op == Opcode::kExtract) {
      check(d.index >= 0 && d.index < a.lanes && a.lanes > 1 && d.type.lanes == 1,
            "a lane that is not there");
    } else if (d.op == Opcode::kShuffle) {
      check(types_[d.operands[1]] == a && a.lanes > 1 && d.type.lanes > 1 &&
                d.lanes_picked.size() == static_cast<size_t>(d.type.lanes),
            "a shuffle of unequal vectors");
      for (const int32_t lane : d.lanes_picked) {
        check(lane >= 0 && lane < 2 * a.lanes, "a lane that is not there");
      }
    } else {
      check(allowed(d.op, a) && a.lanes > 1 && d.type.lanes == 1 &&
                std::has_single_bit(static_cast<unsigned>(a.lanes)),
            "a reduction that is not of a power of two of lanes");
    }
  }

  Type argument_type(int32_t index) const {
    const auto own = static_cast<int32_t>(function_.parameters.size());
    if (index < own) return function_.parameters[index].type;
    check(function_.convention == Convention::kTask && index < own + 2,
          "an argument that is not there");
    return scalar(DType::kI64);
  }

  bool lives(VariableId id) const {
    return id >= 0 && id < static_cast<VariableId>(lives_.size()) && lives_[id];
  }

  void visit(const Declare& d) {
    check(d.variable >= 0 && d.variable < static_cast<VariableId>(lives_.size()) &&
              !declared_[d.variable],
          "a variable is declared twice");
    check(use(d.initial) == function_.variables[d.variable].type,
          "a variable starts with another type");
    declared_[d.variable] = lives_[d.variable] = true;
    live_.push_back(d.variable);
  }
  void visit(const Assign& a) const {
    check(lives(a.variable), "a variable is assigned where it does not live");
    check(use(a.value) == function_.variables[a.variable].type, "an assignment of another type");
  }
  void visit(const Store& s) const {
    use_pointer(s.pointer);
    use_int(s.offset);
    use(s.value);
    if (s.count < 0) return;
    use_int(s.count);
    check(!use(s.value).pointer, "a masked store of pointers");
  }
  void visit(const Prefetch& p) const {
    use_pointer(p.pointer);
    use_int(p.offset);
  }
  void visit(const For& f) {
    use_int(f.begin);
    use_int(f.end);
    check(f.step > 0 && f.body, "a loop without a step forward");
    define(f.index, scalar(DType::kI64));
    block(*f.body);
    visible_[f.index] = false;
  }
  void visit(const If& i) {
    check(use(i.condition) == scalar(DType::kBool), "a condition is not a scalar bool");
    block(*i.then_block);
    block(*i.else_block);
  }
  void visit(const Repeat& r) {
    const size_t values = scope_.size();
    const size_t variables = live_.size();
    statements(*r.body);
    check(use(r.again) == scalar(DType::kBool), "a condition is not a scalar bool");
    leave(values, variables);
  }
  void visit(const CheckedCall& c) const {
    check(function_.convention == Convention::kPlain, "a task returns something");
    for (const ValueId id : c.arguments) check(use(id).lanes == 1, "an argument is a vector");
  }
  void visit(const Return&) const {
    check(function_.convention == Convention::kPlain, "a task returns something");
    check(std::holds_alternative<Return>(function_.body.back().node),
          "a function that returns a status does not end so");
  }
  void visit(const ParallelCall& c) const {
    use_pointer(c.call);
    use_int(c.chunks);
    for (const ValueId word : c.words) check(use(word).lanes == 1, "an argument is a vector");
  }
  void visit(const Comment&) const {}
  void visit(const TailCall& c) const {
    check(function_.convention == Convention::kPlain, "a task returns something");
    for (const ValueId id : c.arguments) check(use(id).lanes == 1, "an argument is a vector");
  }

  const Function& function_;
  std::vector<Type> types_;
  std::vector<bool> visible_, defined_;  // by value
  std::vector<bool> declared_, lives_;   // by variable
  std::vector<ValueId> scope_;           // visible values, innermost last
  std::vector<VariableId> live_;
};

}  // namespace

void verify(const Function& function) { Verifier(function).run(); }

}  // namespace dovetail::loop
