#include "kernels/rows/passes.h"

#include <algorithm>
#include <set>

#include "ir/scalar_cost.h"

namespace dovetail::kernels::rows {
namespace {

using ir::ScalarOp;

bool is_slow(ScalarOp op) {
  return op == ScalarOp::kDiv || op == ScalarOp::kSqrt || op == ScalarOp::kReciprocal ||
         op == ScalarOp::kRem || op == ScalarOp::kFloorMod;
}

class Planner {
 public:
  explicit Planner(const Body& body) : body_(body) {}

  Passes run() {
    plan_.passes.resize(body_.max_depth + 1);
    for (size_t v = 0; v < body_.values.size(); ++v) {
      const BodyValue& value = body_.values[v];
      if (value.kind == BodyValue::Kind::kReduce)
        plan_.passes[value.depth - 1].reduces.push_back(static_cast<int>(v));
    }
    for (size_t k = 0; k < body_.outputs.size(); ++k) {
      const BodyValue& value = body_.values[body_.outputs[k]];
      Pass& pass = plan_.passes[value.depth];
      (value.varies ? pass.outputs : pass.row_outputs).push_back(static_cast<int>(k));
    }
    save();
    for (int p = 0; p <= body_.max_depth; ++p) describe(p);
    return std::move(plan_);
  }

 private:
  // Every value that the loops of a pass use; what was saved before is loaded, not computed.
  std::set<int> used_in(int pass) const {
    std::vector<int> open;
    for (const int r : plan_.passes[pass].reduces) open.push_back(body_.values[r].arguments[0]);
    for (const int k : plan_.passes[pass].outputs) open.push_back(body_.outputs[k]);
    std::set<int> used;
    while (!open.empty()) {
      const int v = open.back();
      open.pop_back();
      if (!used.insert(v).second || !body_.values[v].varies || is_saved_before(v, pass)) continue;
      const std::vector<int>& arguments = body_.values[v].arguments;
      open.insert(open.end(), arguments.begin(), arguments.end());
    }
    return used;
  }

  bool is_saved_before(int v, int pass) const {
    const auto found = plan_.saved.find(v);
    return found != plan_.saved.end() && found->second.pass < pass;
  }

  void save() {
    std::set<int> taken;
    for (size_t v = 0; v < body_.values.size(); ++v) {
      const BodyValue& value = body_.values[v];
      if (value.kind != BodyValue::Kind::kElementwise || !value.varies ||
          !ir::has_elementary(value.expr))
        continue;
      std::vector<int> uses;
      for (int p = 0; p <= body_.max_depth; ++p) {
        if (used_in(p).contains(static_cast<int>(v))) uses.push_back(p);
      }
      if (uses.size() < 2) continue;
      for (size_t k = 0; k < body_.outputs.size(); ++k) {
        const BodyValue& output = body_.values[body_.outputs[k]];
        if (!output.varies || output.dtype != value.dtype || output.shape != value.shape ||
            output.depth < uses.back() || !taken.insert(static_cast<int>(k)).second)
          continue;
        plan_.saved[static_cast<int>(v)] = {uses.front(), static_cast<int>(k)};
        break;
      }
    }
  }

  void describe(int p) {
    Pass& pass = plan_.passes[p];
    for (const int v : used_in(p)) {
      const BodyValue& value = body_.values[v];
      if (!value.varies && value.kind != BodyValue::Kind::kReduce) pass.invariant.push_back(v);
      if (value.varies && !is_saved_before(v, p)) pass.expensive |= ir::has_elementary(value.expr);
    }
  }

  const Body& body_;
  Passes plan_;
};

bool is_zero(const ir::ScalarNode& node) {
  if (node.op != ScalarOp::kConstant) return false;
  const auto* whole = std::get_if<int64_t>(&node.constant);
  return whole ? *whole == 0 : std::get<double>(node.constant) == 0;
}

std::string name_of(const ir::ScalarExpr& expr) {
  std::string text;
  for (const ir::ScalarNode& node : expr.nodes) {
    if (node.op == ScalarOp::kOperand || node.op == ScalarOp::kConstant) continue;
    const bool relu = node.op == ScalarOp::kMax && (is_zero(expr.nodes[node.arguments[0]]) ||
                                                    is_zero(expr.nodes[node.arguments[1]]));
    text += (text.empty() ? "" : "_") + (relu ? "relu" : std::string(ir::name_of(node.op)));
    if (node.op == ScalarOp::kCast) text += "_" + std::string(ir::name_of(node.dtype));
  }
  if (!text.empty()) return text;
  return expr.nodes.back().op == ScalarOp::kConstant ? "fill" : "copy";
}

}  // namespace

Passes passes_of(const Body& body) { return Planner(body).run(); }

// Costs in sixteenths of a cycle, of 4-byte elements in the widest vectors.
int64_t elements_per_chunk(const Body& body, bool by_vectors) {
  int64_t cost = 1;
  for (const BodyValue& value : body.values) {
    cost += value.kind == BodyValue::Kind::kElementwise ? 0 : 2;
    for (const ir::ScalarNode& node : value.expr.nodes)
      cost += ir::is_elementary(node.op) ? 14
              : is_slow(node.op)         ? 8
              : ir::arity_of(node.op)    ? 1
                                         : 0;
  }
  cost += static_cast<int64_t>(2 * body.outputs.size());
  if (!by_vectors) cost *= 8;
  int64_t elements = 131072;
  while (elements > 512 && elements * cost > 1200000) elements /= 2;
  return elements;
}

std::string kernel_name(const Body& body) {
  static constexpr std::string_view kReduce[] = {"sum", "product", "min", "max"};
  std::string text;
  std::string reduces;
  for (const BodyValue& value : body.values) {
    if (value.kind == BodyValue::Kind::kOperand) continue;
    const std::string part = value.kind == BodyValue::Kind::kReduce
                                 ? std::string(kReduce[static_cast<int>(value.reduce)])
                                 : name_of(value.expr);
    if (value.kind == BodyValue::Kind::kReduce) reduces += part + " ";
    text += (text.empty() ? "" : "_") + part;
  }
  if (reduces == "max sum " && text.find("exp") != std::string::npos)
    return text.find("log") == std::string::npos ? "softmax" : "log_softmax";
  constexpr size_t kLongest = 48;
  if (text.size() <= kLongest) return text;
  return text.substr(0, text.rfind('_', kLongest));
}

}  // namespace dovetail::kernels::rows
