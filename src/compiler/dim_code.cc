#include "compiler/dim_code.h"

#include <dovetail/abi.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace dovetail::compiler {

using ir::Dim;
using loop::Value;

namespace {

const loop::Type kReal = loop::scalar(ir::DType::kF64);
constexpr double kTooLarge = 0x1p62;

}  // namespace

Value DimCode::emit(const Dim& dim) {
  if (const auto found = done_.find(dim); found != done_.end()) return found->second;
  Value result = known_(dim);
  if (!result.valid()) {
    result = b_.constant(int64_t{0});
    for (const Dim::Term& term : dim.terms()) result = result + product(term, dim.terms().size());
  }
  done_.emplace(dim, result);
  return result;
}

// A sum of `terms` products stays below a number if each of them stays below its share of it.
Value DimCode::product(const Dim::Term& term, size_t terms) {
  std::vector<Value> factors;
  Dim plain = 1;
  for (const auto& factor : term.factors) {
    factors.push_back(emit(*factor));
    plain *= Dim::of(factor);
  }
  Value exact = b_.constant(term.coefficient);
  for (const Value& factor : factors) exact = exact * factor;
  const double coefficient =
      std::abs(static_cast<double>(term.coefficient)) * static_cast<double>(terms);
  const ir::Bounds bounds = plain.bounds({});
  const double largest =
      std::max(std::abs(static_cast<double>(bounds.min)), static_cast<double>(bounds.max));
  const bool is_alone = factors.size() == 1 && coefficient == 1;
  if (!is_alone && largest * coefficient >= kTooLarge) {
    Product& unchecked = unchecked_[plain];
    unchecked.factors = std::move(factors);
    unchecked.coefficient = std::max(unchecked.coefficient, coefficient);
  }
  return exact;
}

// In float64, which rounds but does not wrap around.
void DimCode::check_range() {
  if (unchecked_.empty()) return;
  Value largest = b_.constant(0.0, kReal);
  for (const auto& [plain, product] : unchecked_) {
    Value size = b_.constant(product.coefficient, kReal);
    for (const Value& factor : product.factors) size = size * b_.cast(factor, ir::DType::kF64);
    largest = max(largest, b_.unary(loop::Opcode::kAbs, size));
  }
  unchecked_.clear();
  b_.if_(largest >= kTooLarge, [&] { b_.return_(DV_TOO_LARGE); });
}

Value DimCode::emit(const Dim::Atom& atom) {
  if (atom.kind == ir::AtomKind::kSymbol) {
    Value symbol = known_(Dim::symbol(atom.name));
    DOVETAIL_CHECK(symbol.valid(), "the symbol {} is not known here", atom.name);
    return symbol;
  }
  std::vector<Value> arguments;
  for (const Dim& argument : atom.arguments) arguments.push_back(emit(argument));
  switch (atom.kind) {
    case ir::AtomKind::kFloorDiv:
      return floordiv(arguments[0], arguments[1]);
    case ir::AtomKind::kMod:
      return arguments[0] - floordiv(arguments[0], arguments[1]) * arguments[1];
    case ir::AtomKind::kMin:
      return min(arguments[0], arguments[1]);
    case ir::AtomKind::kMax:
      return max(arguments[0], arguments[1]);
    default:
      return b_.select(arguments[0] >= arguments[1], arguments[2], arguments[3]);
  }
}

// Loop IR truncates: one less where the remainder is not 0 and the signs differ.
Value DimCode::floordiv(const Value& a, const Value& b) {
  const Value quotient = a / b;
  const Value remainder = a % b;
  const Value zero = b_.constant(int64_t{0});
  const Value inexact = remainder != zero;
  const Value differ = (remainder < zero) != (b < zero);
  const Value lower = b_.select(differ, quotient - 1, quotient);
  return b_.select(inexact, lower, quotient);
}

}  // namespace dovetail::compiler
