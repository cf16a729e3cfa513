#include <fmt/format.h>

#include "ir/loop.h"

namespace dovetail::loop {
namespace {

constexpr std::string_view kOpNames[] = {
    "constant", "iota",    "argument",   "read",       "add",        "sub",     "mul",
    "div",      "rem",     "min",        "max",        "and",        "or",      "xor",
    "shl",      "shr",     "neg",        "not",        "abs",        "sqrt",    "floor",
    "ceil",     "trunc",   "round_even", "fma",        "eq",         "ne",      "lt",
    "le",       "gt",      "ge",         "select",     "cast",       "bitcast", "broadcast",
    "extract",  "shuffle", "reduce_add", "reduce_min", "reduce_max", "load",    "load_masked",
    "address",  "symbol"};
static_assert(std::size(kOpNames) == static_cast<size_t>(Opcode::kSymbolAddress) + 1);

std::string type_text(const Type& type) {
  if (type.pointer) return "pointer";
  return type.lanes == 1 ? std::string(ir::name_of(type.dtype))
                         : fmt::format("{}x{}", ir::name_of(type.dtype), type.lanes);
}

class Printer {
 public:
  explicit Printer(const Function& function) : function_(function) {}

  std::string print(bool with_name) {
    std::vector<std::string> parameters;
    for (const Parameter& parameter : function_.parameters)
      parameters.push_back(fmt::format("{} {}", type_text(parameter.type), parameter.name));
    text_ =
        fmt::format("{}{} {}({})", function_.convention == Convention::kTask ? "task" : "function",
                    function_.strict ? " strict" : "", with_name ? function_.name : "",
                    fmt::join(parameters, ", "));
    if (!function_.llvm_cpu.empty())
      text_ += fmt::format(" for {}{}", function_.llvm_cpu, function_.llvm_features);
    text_ += " {\n";
    block(function_.body);
    return text_ + "}\n";
  }

 private:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    text_.append(2 * depth_, ' ');
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }

  std::string name(VariableId id) const {
    return fmt::format("{}_{}", function_.variables[id].name, id);
  }

  static std::string values(const std::vector<ValueId>& ids) {
    std::string text;
    for (const ValueId id : ids) text += fmt::format("{}v{}", text.empty() ? "" : ", ", id);
    return text;
  }

  std::string right_side(const Definition& d) const {
    switch (d.op) {
      case Opcode::kConstant:
        if (const auto* value = std::get_if<double>(&d.constant))
          return fmt::format("{:a}", *value);
        return fmt::format("{}", std::get<int64_t>(d.constant));
      case Opcode::kArgument:
        if (d.index < static_cast<int32_t>(function_.parameters.size()))
          return function_.parameters[d.index].name;
        return d.index == static_cast<int32_t>(function_.parameters.size()) ? "chunk" : "worker";
      case Opcode::kReadVariable:
        return name(d.index);
      case Opcode::kExtract:
        return fmt::format("v{}[{}]", d.operands[0], d.index);
      case Opcode::kShuffle:
        return fmt::format("shuffle({}, [{}])", values(d.operands),
                           fmt::join(d.lanes_picked, ", "));
      case Opcode::kSymbolAddress:
        return "&" + d.symbol;
      default:
        return fmt::format("{}({})", kOpNames[static_cast<size_t>(d.op)], values(d.operands));
    }
  }

  void block(const Block& statements) {
    ++depth_;
    for (const Statement& statement : statements) {
      std::visit([&](const auto& node) { print(node); }, statement.node);
    }
    --depth_;
  }

  void print(const Definition& d) { line("{} v{} = {};", type_text(d.type), d.id, right_side(d)); }
  void print(const Declare& d) {
    line("var {} {} = v{};", type_text(function_.variables[d.variable].type), name(d.variable),
         d.initial);
  }
  void print(const Assign& a) { line("{} = v{};", name(a.variable), a.value); }
  void print(const Store& s) {
    if (s.count >= 0) {
      line("store_masked(v{}, v{}, v{}, v{});", s.pointer, s.offset, s.value, s.count);
    } else {
      line("store(v{}, v{}, v{});", s.pointer, s.offset, s.value);
    }
  }
  void print(const For& f) {
    line("for (v{} = v{}; v{} < v{}; v{} += {}) {{  // {}", f.index, f.begin, f.index, f.end,
         f.index, f.step, f.name);
    block(*f.body);
    line("}}");
  }
  void print(const If& i) {
    line("if (v{}) {{", i.condition);
    block(*i.then_block);
    if (!i.else_block->empty()) {
      line("}} else {{");
      block(*i.else_block);
    }
    line("}}");
  }
  void print(const ParallelCall& c) {
    line("parallel_for(v{}, {}, [{}], v{});", c.call, c.callee, values(c.words), c.chunks);
  }
  void print(const Comment& c) { line("// {}", c.text); }
  void print(const TailCall& c) { line("return {}({});", c.callee, values(c.arguments)); }

  const Function& function_;
  std::string text_;
  int depth_ = 0;
};

}  // namespace

std::string to_string(const Function& function, bool with_name) {
  return Printer(function).print(with_name);
}

// 64-bit FNV-1a.
uint64_t hash_of(const Function& function) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : to_string(function, false))
    hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace dovetail::loop
