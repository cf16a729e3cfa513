#include "ops/lowering/recurrent_activations.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/error.h"

namespace dovetail::ops {
namespace {

using ir::DType;
using ir::ExprBuilder;
using ir::ScalarExpr;
using ir::ScalarOp;

// Those that are operators of ONNX too take their formula and defaults from there.
constexpr std::array<const char*, 9> kOperators = {
    "Relu",        "Tanh", "Sigmoid",  "LeakyRelu", "ThresholdedRelu",
    "HardSigmoid", "Elu",  "Softsign", "Softplus"};

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

// Values of an attribute, taken one after the other; the default once they are used up.
class Queue {
 public:
  explicit Queue(Reals values) : values_(std::move(values)) {}
  double next(double otherwise) { return taken_ < values_.size() ? values_[taken_++] : otherwise; }

 private:
  Reals values_;
  size_t taken_ = 0;
};

class Activations {
 public:
  Activations(const LowerContext& c, DType dtype)
      : dtype_(dtype), alpha_(list(c, "activation_alpha")), beta_(list(c, "activation_beta")) {}

  ScalarExpr make(const std::string& name) {
    if (same_name(name, "Affine")) {
      return scaled(false);
    }
    if (same_name(name, "ScaledTanh")) {
      return scaled(true);
    }
    for (const char* known : kOperators) {
      if (same_name(name, known)) return operator_named(known);
    }
    throw_error(ErrorKind::kValue,
                "activation '{}' is none of Affine, Elu, HardSigmoid, LeakyRelu, Relu, ScaledTanh, "
                "Sigmoid, Softplus, Softsign, Tanh, ThresholdedRelu",
                name);
  }

 private:
  static Reals list(const LowerContext& c, const std::string& name) {
    return c.has_attribute(name) ? c.reals(name) : Reals();
  }

  // Affine: alpha * x + beta. ScaledTanh: alpha * tanh(beta * x).
  ScalarExpr scaled(bool tanh) {
    ExprBuilder e;
    const auto x = e.operand(0, dtype_);
    const auto alpha = e.constant(alpha_.next(1), dtype_);
    const auto beta = e.constant(beta_.next(tanh ? 1 : 0), dtype_);
    if (!tanh) return e.finish(e.binary(ScalarOp::kAdd, e.binary(ScalarOp::kMul, alpha, x), beta));
    const auto inner = e.unary(ScalarOp::kTanh, e.binary(ScalarOp::kMul, beta, x));
    return e.finish(e.binary(ScalarOp::kMul, alpha, inner));
  }

  ScalarExpr operator_named(const char* name) {
    const OpDef* def = find_op("", name, kMaxOpset);
    DOVETAIL_CHECK(def, "there is no operator {}", name);
    ir::Graph graph;
    OnnxNode node;
    node.op_type = name;
    node.opset = kMaxOpset;
    node.inputs = {graph.input("x", {dtype_, {}})};
    node.outputs = {"y"};
    for (const AttributeDef& attribute : def->attributes) {
      Queue& queue = attribute.name == "alpha" ? alpha_ : beta_;
      node.attributes[attribute.name] = queue.next(std::get<double>(attribute.otherwise));
    }
    const ir::Value* y = lower(graph, node, *def, {{}, [](const std::string&) {}}).front();
    const auto* elementwise = y->node->as<ir::Elementwise>();
    DOVETAIL_CHECK(elementwise && y->node->operands == node.inputs, "{} is not one expression",
                   name);
    return elementwise->expr;
  }

  DType dtype_;
  Queue alpha_, beta_;
};

// x clipped to [-limit, limit]
ScalarExpr clipped(double limit, DType dtype) {
  ExprBuilder e;
  const auto low = e.binary(ScalarOp::kMax, e.operand(0, dtype), e.constant(-limit, dtype));
  return e.finish(e.binary(ScalarOp::kMin, low, e.constant(limit, dtype)));
}

}  // namespace

std::vector<ScalarExpr> recurrent_activations(const LowerContext& c, const Texts& usual,
                                              int directions, DType dtype) {
  Texts names;
  for (int d = 0; d < directions; ++d) names.insert(names.end(), usual.begin(), usual.end());
  if (c.has_attribute("activations") && !c.texts("activations").empty()) {
    if (c.texts("activations").size() != names.size()) {
      throw_error(ErrorKind::kValue,
                  "activations has {} names, expected {} for each of {} directions",
                  c.texts("activations").size(), usual.size(), directions);
    }
    names = c.texts("activations");
  }
  Activations activations(c, dtype);
  std::vector<ScalarExpr> result;
  for (const std::string& name : names) {
    const size_t position = result.size() % usual.size();
    result.push_back(activations.make(name));
    // The third, of an LSTM's cell, is not clipped by onnxruntime.
    if (c.has_attribute("clip") && position < 2) {
      result.back() = ir::compose(result.back(), 0, clipped(c.real("clip"), dtype), {0}, {0});
    }
  }
  return result;
}

}  // namespace dovetail::ops
