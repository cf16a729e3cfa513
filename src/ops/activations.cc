// Activations: elementwise operators of one operand whose formula has constants, mostly from
// attributes. A row each; `a` and `b` are the attributes' values.
#include <cmath>

#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::DType;
using ir::ExprBuilder;
using ir::ScalarOp;
using Ref = ExprBuilder::Ref;

// One formula: constants take x's type.
struct Formula {
  ExprBuilder& e;
  DType dtype;
  Ref c(double value) const { return e.constant(value, dtype); }
  Ref add(Ref x, Ref y) const { return e.binary(ScalarOp::kAdd, x, y); }
  Ref sub(Ref x, Ref y) const { return e.binary(ScalarOp::kSub, x, y); }
  Ref mul(Ref x, Ref y) const { return e.binary(ScalarOp::kMul, x, y); }
  Ref div(Ref x, Ref y) const { return e.binary(ScalarOp::kDiv, x, y); }
  Ref max(Ref x, Ref y) const { return e.binary(ScalarOp::kMax, x, y); }
  Ref min(Ref x, Ref y) const { return e.binary(ScalarOp::kMin, x, y); }
  Ref exp(Ref x) const { return e.unary(ScalarOp::kExp, x); }
  Ref tanh(Ref x) const { return e.unary(ScalarOp::kTanh, x); }
  Ref if_less(Ref x, Ref y, Ref yes, Ref no) const {
    return e.select(e.binary(ScalarOp::kLt, x, y), yes, no);
  }
  // log(1 + u) for 0 <= u <= 1 without losing small u: u * log(w) / (w - 1), w = 1 + u rounded.
  Ref log1p(Ref u) const {
    const Ref w = add(c(1), u);
    const Ref d = sub(w, c(1));
    const Ref quotient = div(mul(u, e.unary(ScalarOp::kLog, w)), d);
    return e.select(e.binary(ScalarOp::kEq, d, c(0)), u, quotient);
  }
  // log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|))
  Ref softplus(Ref x) const {
    const Ref u = exp(e.unary(ScalarOp::kNeg, e.unary(ScalarOp::kAbs, x)));
    return add(max(x, c(0)), log1p(u));
  }
};

struct Row {
  const char* name;
  int since = kMinOpset;
  std::vector<std::pair<const char*, double>> attributes = {};
  std::function<Ref(const Formula&, Ref x, const Reals& attributes)> body;
  DTypes dtypes = kFloats;
};

Ref elu(const Formula& f, Ref x, const Reals& a) {
  return f.if_less(x, f.c(0), f.mul(f.c(a[0]), f.sub(f.exp(x), f.c(1))), x);
}

Ref celu(const Formula& f, Ref x, const Reals& a) {
  const Ref negative = f.mul(f.c(a[0]), f.sub(f.exp(f.div(x, f.c(a[0]))), f.c(1)));
  return f.add(f.max(x, f.c(0)), f.min(f.c(0), negative));
}

Ref hard_sigmoid(const Formula& f, Ref x, double alpha, double beta) {
  return f.max(f.c(0), f.min(f.c(1), f.add(f.mul(f.c(alpha), x), f.c(beta))));
}

const std::vector<Row>& rows() {
  static const std::vector<Row> kRows = {
      {"Relu",
       kMinOpset,
       {},
       [](auto& f, Ref x, auto&) { return f.max(x, f.c(0)); },
       kFloats | kSignedInts},
      {"LeakyRelu",
       kMinOpset,
       {{"alpha", 0.01f}},
       [](auto& f, Ref x, auto& a) { return f.if_less(x, f.c(0), f.mul(f.c(a[0]), x), x); }},
      {"ThresholdedRelu",
       10,
       {{"alpha", 1}},
       [](auto& f, Ref x, auto& a) { return f.if_less(f.c(a[0]), x, x, f.c(0)); }},
      {"Elu", kMinOpset, {{"alpha", 1}}, elu},
      {"Celu", 12, {{"alpha", 1}}, celu},
      {"Selu",
       kMinOpset,
       {{"alpha", 1.67326319217681884765625f}, {"gamma", 1.0507010221481323f}},
       [](auto& f, Ref x, auto& a) { return f.mul(f.c(a[1]), elu(f, x, a)); }},
      {"HardSigmoid",
       kMinOpset,
       {{"alpha", 0.2f}, {"beta", 0.5}},
       [](auto& f, Ref x, auto& a) { return hard_sigmoid(f, x, a[0], a[1]); }},
      {"HardSwish",
       14,
       {},
       [](auto& f, Ref x, auto&) { return f.mul(x, hard_sigmoid(f, x, 1.0 / 6, 0.5)); }},
      {"Softplus", kMinOpset, {}, [](auto& f, Ref x, auto&) { return f.softplus(x); }},
      {"Softsign",
       kMinOpset,
       {},
       [](auto& f, Ref x, auto&) { return f.div(x, f.add(f.c(1), f.e.unary(ScalarOp::kAbs, x))); }},
      {"Mish", 18, {}, [](auto& f, Ref x, auto&) { return f.mul(x, f.tanh(f.softplus(x))); }},
      {"Swish",
       24,
       {{"alpha", 1}},
       [](auto& f, Ref x, auto& a) {
         return f.mul(x, f.e.unary(ScalarOp::kSigmoid, f.mul(f.c(a[0]), x)));
       }},
      {"Shrink",
       9,
       {{"bias", 0}, {"lambd", 0.5}},
       [](auto& f, Ref x, auto& a) {
         const Ref low = f.if_less(x, f.c(-a[1]), f.add(x, f.c(a[0])), f.c(0));
         return f.if_less(f.c(a[1]), x, f.sub(x, f.c(a[0])), low);
       }},
  };
  return kRows;
}

Values lower_row(LowerContext& c, const Row& row) {
  Reals attributes;
  for (const auto& attribute : row.attributes) attributes.push_back(c.real(attribute.first));
  return {c.build.elementwise({c.x(0)}, [&](ExprBuilder& e, const auto& v) {
    return row.body(Formula{e, c.x(0)->dtype()}, v[0], attributes);
  })};
}

// x * Phi(x), exact by erf or approximate by tanh
Values lower_gelu(LowerContext& c) {
  const std::string& approximate = c.text("approximate");
  if (approximate != "none" && approximate != "tanh") {
    throw_error(ErrorKind::kValue, "approximate is '{}', expected 'none' or 'tanh'", approximate);
  }
  return {c.build.elementwise({c.x(0)}, [&](ExprBuilder& e, const auto& v) {
    const Formula f{e, c.x(0)->dtype()};
    const Ref x = v[0];
    const Ref half = f.mul(f.c(0.5), x);
    if (approximate == "none") {
      const Ref erf = e.unary(ScalarOp::kErf, f.mul(x, f.c(std::sqrt(0.5))));
      return f.mul(half, f.add(f.c(1), erf));
    }
    const Ref cubic = f.add(x, f.mul(f.c(0.044715), f.mul(x, f.mul(x, x))));
    return f.mul(half, f.add(f.c(1), f.tanh(f.mul(f.c(std::sqrt(2 / M_PI)), cubic))));
  })};
}

}  // namespace

std::span<const OpDef> activations_ops() {
  static const std::vector<OpDef> ops = [] {
    std::vector<OpDef> result;
    for (const Row& row : rows()) {
      std::vector<AttributeDef> attributes;
      for (const auto& [name, value] : row.attributes) {
        attributes.push_back({name, AttributeType::kReal, value});
      }
      result.push_back({.name = row.name,
                        .since = row.since,
                        .dtypes = row.dtypes,
                        .attributes = attributes,
                        .lower = [&row](LowerContext& c) { return lower_row(c, row); }});
    }
    result.push_back({.name = "Gelu",
                      .since = 20,
                      .dtypes = kFloats,
                      .attributes = {{"approximate", AttributeType::kText, "none"}},
                      .lower = lower_gelu});
    return result;
  }();
  return ops;
}

}  // namespace dovetail::ops
