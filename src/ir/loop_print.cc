#include <fmt/format.h>

#include <functional>
#include <map>
#include <set>

#include "ir/loop.h"

namespace dovetail::loop {
namespace {

// Definitions that are used once, and soon, are written where they are used, up to this length.
constexpr size_t kLongestInline = 60;

std::string type_text(const Type& type) {
  if (type.pointer) return "pointer";
  if (type.lanes == 1) return std::string(ir::name_of(type.dtype));
  return fmt::format("{}x{}", ir::name_of(type.dtype), type.lanes);
}

std::string_view infix(Opcode op) {
  switch (op) {
    case Opcode::kAdd:
    case Opcode::kAddress:
      return "+";
    case Opcode::kSub:
      return "-";
    case Opcode::kMul:
      return "*";
    case Opcode::kDiv:
      return "/";
    case Opcode::kRem:
      return "%";
    case Opcode::kAnd:
      return "&";
    case Opcode::kOr:
      return "|";
    case Opcode::kXor:
      return "^";
    case Opcode::kShl:
      return "<<";
    case Opcode::kShr:
      return ">>";
    case Opcode::kEq:
      return "==";
    case Opcode::kNe:
      return "!=";
    case Opcode::kLt:
      return "<";
    case Opcode::kLe:
      return "<=";
    case Opcode::kGt:
      return ">";
    case Opcode::kGe:
      return ">=";
    default:
      return "";
  }
}

std::string_view call_name(Opcode op) {
  switch (op) {
    case Opcode::kMin:
      return "min";
    case Opcode::kMax:
      return "max";
    case Opcode::kAbs:
      return "abs";
    case Opcode::kSqrt:
      return "sqrt";
    case Opcode::kFloor:
      return "floor";
    case Opcode::kCeil:
      return "ceil";
    case Opcode::kTrunc:
      return "trunc";
    case Opcode::kRoundEven:
      return "round_even";
    case Opcode::kFma:
      return "fma";
    case Opcode::kReduceAdd:
      return "reduce_add";
    case Opcode::kReduceMin:
      return "reduce_min";
    case Opcode::kReduceMax:
      return "reduce_max";
    default:
      return "";
  }
}

// Where the values of a function are used.
struct Uses {
  struct Use {
    int count = 0;
    const Block* block = nullptr;  // of the last one
  };
  std::vector<Use> of;

  explicit Uses(const Function& function) : of(function.num_values) { walk(function.body); }

  void add(const std::vector<ValueId>& ids, const Block& block) {
    for (const ValueId id : ids) {
      if (id < 0) continue;
      ++of[id].count;
      of[id].block = &block;
    }
  }
  void walk(const Block& block) {
    for (const Statement& statement : block) {
      const auto& node = statement.node;
      if (const auto* d = std::get_if<Definition>(&node)) add(d->operands, block);
      if (const auto* d = std::get_if<Declare>(&node)) add({d->initial}, block);
      if (const auto* a = std::get_if<Assign>(&node)) add({a->value}, block);
      if (const auto* s = std::get_if<Store>(&node)) {
        add({s->pointer, s->offset, s->value, s->count}, block);
      }
      if (const auto* p = std::get_if<Prefetch>(&node)) add({p->pointer, p->offset}, block);
      if (const auto* c = std::get_if<ParallelCall>(&node)) {
        add({c->call, c->chunks}, block);
        add(c->words, block);
      }
      if (const auto* c = std::get_if<TailCall>(&node)) add(c->arguments, block);
      if (const auto* c = std::get_if<CheckedCall>(&node)) add(c->arguments, block);
      if (const auto* r = std::get_if<Repeat>(&node)) {
        walk(*r->body);
        add({r->again}, *r->body);
      }
      if (const auto* f = std::get_if<For>(&node)) {
        add({f->begin, f->end}, block);
        walk(*f->body);
      }
      if (const auto* i = std::get_if<If>(&node)) {
        add({i->condition}, block);
        walk(*i->then_block);
        walk(*i->else_block);
      }
    }
  }
};

class Printer {
 public:
  explicit Printer(const Function& function)
      : function_(function), uses_(function), texts_(function.num_values) {}

  std::string print(bool with_name) {
    std::vector<std::string> parameters;
    for (const Parameter& parameter : function_.parameters) {
      parameters_.push_back(unique(parameter.name));
      parameters.push_back(fmt::format("{} {}", type_text(parameter.type), parameters_.back()));
    }
    if (function_.convention == Convention::kTask) {
      parameters_.push_back(unique("chunk"));
      parameters_.push_back(unique("worker"));
    }
    text_ = function_.convention == Convention::kTask ? "task" : "function";
    if (function_.strict) text_ += " strict";
    if (with_name) text_ += " " + function_.name;
    text_ += fmt::format("({})", fmt::join(parameters, ", "));
    if (!function_.llvm_cpu.empty()) {
      text_ += fmt::format(" for {}{}", function_.llvm_cpu, function_.llvm_features);
    }
    text_ += " {\n";
    block(function_.body);
    return text_ + "}\n";
  }

 private:
  // Not yet written: the text stands where the value is used.
  struct Pending {
    std::string type, text;
    bool reads = false;  // memory or variables: must not move past a change of them
  };

  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    text_.append(2 * depth_, ' ');
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }

  std::string unique(const std::string& name) {
    if (names_.insert(name).second) return name;
    for (int i = 2;; ++i) {
      std::string other = fmt::format("{}_{}", name, i);
      if (names_.insert(other).second) return other;
    }
  }

  // A value as an operand; takes what is pending.
  std::string value(ValueId id) {
    const auto found = pending_.find(id);
    if (found == pending_.end()) return texts_[id];
    std::string text = std::move(found->second.text);
    reads_ |= found->second.reads;
    pending_.erase(found);
    return text;
  }
  std::string values(const std::vector<ValueId>& ids) {
    std::string text;
    for (const ValueId id : ids) text += (text.empty() ? "" : ", ") + value(id);
    return text;
  }
  std::string place(ValueId base, ValueId offset) {
    std::string text = value(base);
    const std::string bytes = value(offset);
    return bytes == "0" ? text : text + " + " + bytes;
  }

  void write(ValueId id, const Pending& pending) {
    texts_[id] = unique(fmt::format("v{}", next_++));
    line("{} {} = {};", pending.type, texts_[id], pending.text);
  }
  void flush(bool only_reads) {
    for (auto it = pending_.begin(); it != pending_.end();) {
      if (only_reads && !it->second.reads) {
        ++it;
        continue;
      }
      write(it->first, it->second);
      it = pending_.erase(it);
    }
  }

  std::string constant(const Definition& d) const {
    const auto* number = std::get_if<double>(&d.constant);
    const std::string text =
        number ? fmt::format("{}", *number) : fmt::format("{}", std::get<int64_t>(d.constant));
    if (d.type == scalar(DType::kI64)) return text;
    return fmt::format("{}({})", type_text(d.type), text);
  }

  std::string expression(const Definition& d) {
    switch (d.op) {
      case Opcode::kReadVariable:
        return variables_.at(d.index);
      case Opcode::kNeg:
        return "-" + value(d.operands[0]);
      case Opcode::kNot:
        return "~" + value(d.operands[0]);
      case Opcode::kSelect: {
        const std::string condition = value(d.operands[0]);
        const std::string yes = value(d.operands[1]);
        return fmt::format("({} ? {} : {})", condition, yes, value(d.operands[2]));
      }
      case Opcode::kCast:
        return fmt::format("cast<{}>({})", ir::name_of(d.type.dtype), values(d.operands));
      case Opcode::kBitcast:
        return fmt::format("bitcast<{}>({})", ir::name_of(d.type.dtype), values(d.operands));
      case Opcode::kBroadcast:
        return fmt::format("broadcast<{}>({})", d.type.lanes, values(d.operands));
      case Opcode::kExtract:
        return fmt::format("{}[{}]", value(d.operands[0]), d.index);
      case Opcode::kShuffle: {
        const std::string vectors = values(d.operands);
        return fmt::format("shuffle({}, [{}])", vectors, fmt::join(d.lanes_picked, ", "));
      }
      case Opcode::kLoad:
        if (d.type.pointer) return fmt::format("load<pointer>({})", values(d.operands));
        return fmt::format("load<{}>({})", type_text(d.type), place(d.operands[0], d.operands[1]));
      case Opcode::kLoadMasked: {
        const std::string from = place(d.operands[0], d.operands[1]);
        return fmt::format("load_masked<{}>({}, {})", type_text(d.type), from,
                           value(d.operands[2]));
      }
      default:
        break;
    }
    if (const std::string_view sign = infix(d.op); !sign.empty()) {
      const std::string left = value(d.operands[0]);
      return fmt::format("({} {} {})", left, sign, value(d.operands[1]));
    }
    return fmt::format("{}({})", call_name(d.op), values(d.operands));
  }

  // `last` is called where the block ends, while its values can be written.
  void block(const Block& statements, const std::function<void()>& last = [] {}) {
    ++depth_;
    std::map<ValueId, Pending> outer;
    outer.swap(pending_);
    for (const Statement& statement : statements) {
      std::visit([&](const auto& node) { print(node, statements); }, statement.node);
    }
    last();
    flush(false);
    outer.swap(pending_);
    --depth_;
  }

  void print(const Definition& d, const Block& here) {
    switch (d.op) {
      case Opcode::kConstant:
        texts_[d.id] = constant(d);
        return;
      case Opcode::kIota:
        texts_[d.id] = fmt::format("iota<{}>", type_text(d.type));
        return;
      case Opcode::kArgument:
        texts_[d.id] = parameters_.at(d.index);
        return;
      case Opcode::kSymbolAddress:
        texts_[d.id] = "&" + d.symbol;
        return;
      default:
        break;
    }
    reads_ = d.op == Opcode::kReadVariable || d.op == Opcode::kLoad || d.op == Opcode::kLoadMasked;
    Pending pending{type_text(d.type), expression(d), false};
    pending.reads = reads_;
    const Uses::Use& use = uses_.of[d.id];
    if (use.count == 1 && use.block == &here && pending.text.size() <= kLongestInline) {
      pending_.emplace(d.id, std::move(pending));
    } else {
      write(d.id, pending);
    }
  }

  // Everything that changes variables or memory first writes the reads that come before it.
  void print(const Declare& d, const Block&) {
    const std::string initial = value(d.initial);
    flush(true);
    variables_[d.variable] = unique(function_.variables[d.variable].name);
    line("var {} {} = {};", type_text(function_.variables[d.variable].type), variables_[d.variable],
         initial);
  }
  void print(const Assign& a, const Block&) {
    const std::string right = value(a.value);
    flush(true);
    line("{} = {};", variables_.at(a.variable), right);
  }
  void print(const Store& s, const Block&) {
    const std::string to = place(s.pointer, s.offset);
    const std::string stored = value(s.value);
    const std::string count = s.count >= 0 ? ", " + value(s.count) : "";
    flush(true);
    line("store{}({}, {}{});", s.count >= 0 ? "_masked" : "", to, stored, count);
  }
  void print(const Prefetch& p, const Block&) {
    const std::string at = place(p.pointer, p.offset);
    flush(true);
    line("prefetch({});", at);
  }
  void print(const For& f, const Block&) {
    const std::string begin = value(f.begin);
    const std::string end = value(f.end);
    flush(true);
    const std::string& index = texts_[f.index] = unique(f.name);
    line("for ({0} = {1}; {0} < {2}; {0} += {3}) {{", index, begin, end, f.step);
    block(*f.body);
    line("}}");
  }
  void print(const If& i, const Block&) {
    const std::string condition = value(i.condition);
    flush(true);
    line("if ({}) {{", condition);
    block(*i.then_block);
    if (!i.else_block->empty()) {
      line("}} else {{");
      block(*i.else_block);
    }
    line("}}");
  }
  void print(const Repeat& r, const Block&) {
    flush(true);
    line("do {{");
    std::string again;
    block(*r.body, [&] { again = value(r.again); });
    line("}} while ({});", again);
  }
  void print(const CheckedCall& c, const Block&) {
    const std::string arguments = values(c.arguments);
    flush(true);
    line("check({}({}));", c.callee, arguments);
  }
  void print(const Return& r, const Block&) {
    flush(true);
    line("return {};", r.status);
  }
  void print(const ParallelCall& c, const Block&) {
    const std::string call = value(c.call);
    const std::string words = values(c.words);
    const std::string chunks = value(c.chunks);
    flush(true);
    line("parallel_for({}, {}, [{}], {});", call, c.callee, words, chunks);
  }
  void print(const Comment& c, const Block&) { line("// {}", c.text); }
  void print(const TailCall& c, const Block&) {
    const std::string arguments = values(c.arguments);
    flush(true);
    line("return {} {}({});", type_text(c.type), c.callee, arguments);
  }

  const Function& function_;
  Uses uses_;
  std::vector<std::string> texts_;  // how a value is written, by value
  std::vector<std::string> parameters_;
  std::map<VariableId, std::string> variables_;
  std::map<ValueId, Pending> pending_;  // of the current block
  std::set<std::string> names_;
  std::string text_;
  bool reads_ = false;  // of the expression that is being written
  int depth_ = 0;
  int next_ = 0;
};

}  // namespace

std::string to_string(const Function& function, bool with_name) {
  return Printer(function).print(with_name);
}

// 64-bit FNV-1a.
uint64_t hash_of(const Function& function) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : to_string(function, false)) {
    hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  }
  return hash;
}

}  // namespace dovetail::loop
