#include <set>

#include "base/error.h"
#include "ir/loop.h"

namespace dovetail::loop {
namespace {

class Verifier {
 public:
  explicit Verifier(const Function& function) : function_(function), types_(function.num_values) {}

  void run() { block(function_.body); }

 private:
  void check(bool condition, std::string_view what) const {
    DOVETAIL_CHECK(condition, "kernel {}: {}", function_.name, what);
  }

  const Type& use(ValueId id) const {
    check(id >= 0 && id < function_.num_values && visible_.contains(id),
          "a value is used where it is not defined");
    return types_[id];
  }

  void use_int(ValueId id) const {
    check(use(id) == scalar(DType::kI64), "an offset, extent or count is not int64");
  }
  void use_pointer(ValueId id) const { check(use(id).pointer, "not a pointer"); }

  void define(ValueId id, const Type& type) {
    check(id >= 0 && id < function_.num_values && visible_.insert(id).second,
          "a value is defined twice");
    types_[id] = type;
  }

  // Names of a block end with it.
  void block(const Block& statements) {
    const std::set<ValueId> values = visible_;
    const std::set<VariableId> variables = declared_;
    for (const Statement& statement : statements)
      std::visit([&](const auto& node) { visit(node); }, statement.node);
    visible_ = values;
    declared_ = variables;
  }

  void visit(const Definition& d) {
    for (const ValueId operand : d.operands) use(operand);
    if (d.op == Opcode::kReadVariable)
      check(declared_.contains(d.index), "a variable is read where it does not live");
    if (d.op == Opcode::kLoad || d.op == Opcode::kLoadMasked || d.op == Opcode::kAddress) {
      use_pointer(d.operands.at(0));
      use_int(d.operands.at(1));
    }
    if (d.op >= Opcode::kAdd && d.op <= Opcode::kFma) {
      for (const ValueId operand : d.operands)
        check(use(operand) == d.type, "an operand of another type");
    }
    define(d.id, d.type);
  }
  void visit(const Declare& d) {
    check(use(d.initial) == function_.variables.at(d.variable).type,
          "a variable starts with another type");
    check(declared_.insert(d.variable).second, "a variable is declared twice");
  }
  void visit(const Assign& a) {
    check(declared_.contains(a.variable), "a variable is assigned where it does not live");
    check(use(a.value) == function_.variables.at(a.variable).type, "an assignment of another type");
  }
  void visit(const Store& s) {
    use_pointer(s.pointer);
    use_int(s.offset);
    use(s.value);
    if (s.count >= 0) use_int(s.count);
  }
  void visit(const For& f) {
    use_int(f.begin);
    use_int(f.end);
    const std::set<ValueId> values = visible_;
    define(f.index, scalar(DType::kI64));
    block(*f.body);
    visible_ = values;
  }
  void visit(const If& i) {
    check(use(i.condition) == scalar(DType::kBool), "a condition is not a scalar bool");
    block(*i.then_block);
    block(*i.else_block);
  }
  void visit(const ParallelCall& c) {
    use_pointer(c.call);
    use_int(c.chunks);
    for (const ValueId word : c.words) use(word);
  }
  void visit(const Comment&) {}
  void visit(const TailCall& c) {
    for (const ValueId argument : c.arguments) use(argument);
  }

  const Function& function_;
  std::vector<Type> types_;
  std::set<ValueId> visible_;
  std::set<VariableId> declared_;
};

}  // namespace

void verify(const Function& function) { Verifier(function).run(); }

}  // namespace dovetail::loop
