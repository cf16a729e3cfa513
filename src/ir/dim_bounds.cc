// Bounds of expressions, saturating at the ends of int64.
#include <algorithm>

#include "ir/dim.h"

namespace dovetail::ir {
namespace {

__extension__ using Int128 = __int128;

int64_t saturated(Int128 value) {
  if (value > INT64_MAX) return INT64_MAX;
  if (value < INT64_MIN) return INT64_MIN;
  return static_cast<int64_t>(value);
}

bool infinite(int64_t value) { return value == INT64_MAX || value == INT64_MIN; }

int64_t bound_mul(int64_t a, int64_t b) {
  if (a == 0 || b == 0) return 0;
  if (infinite(a) || infinite(b)) return (a > 0) == (b > 0) ? INT64_MAX : INT64_MIN;
  return saturated(static_cast<Int128>(a) * b);
}

int64_t bound_add(int64_t a, int64_t b, bool upper) {
  if (infinite(a) || infinite(b)) return upper ? INT64_MAX : INT64_MIN;
  return saturated(static_cast<Int128>(a) + b);
}

Bounds multiply(const Bounds& a, const Bounds& b) {
  const int64_t corners[] = {bound_mul(a.min, b.min), bound_mul(a.min, b.max),
                             bound_mul(a.max, b.min), bound_mul(a.max, b.max)};
  return {*std::min_element(corners, corners + 4), *std::max_element(corners, corners + 4)};
}

Bounds add(const Bounds& a, const Bounds& b) {
  const int64_t low =
      a.min == INT64_MIN || b.min == INT64_MIN ? INT64_MIN : bound_add(a.min, b.min, true);
  const int64_t high =
      a.max == INT64_MAX || b.max == INT64_MAX ? INT64_MAX : bound_add(a.max, b.max, false);
  return {low, high};
}

Bounds divide(const Bounds& a, const Bounds& b) {
  if (b.min <= 0) return {INT64_MIN, INT64_MAX};
  const auto quotient = [](int64_t x, int64_t y) {
    if (infinite(x)) return x;
    if (infinite(y)) return x < 0 ? int64_t{-1} : int64_t{0};
    return x / y - (x % y < 0 ? 1 : 0);
  };
  return {std::min(quotient(a.min, b.min), quotient(a.min, b.max)),
          std::max(quotient(a.max, b.min), quotient(a.max, b.max))};
}

Bounds bounds_of(const Dim::Atom& atom, const SymbolBounds& symbols) {
  if (atom.kind == AtomKind::kSymbol) {
    const auto found = symbols.find(atom.name);
    return found == symbols.end() ? Bounds{} : found->second;
  }
  std::vector<Bounds> arguments;
  for (const Dim& argument : atom.arguments) arguments.push_back(argument.bounds(symbols));
  switch (atom.kind) {
    case AtomKind::kFloorDiv:
      return divide(arguments[0], arguments[1]);
    case AtomKind::kMod:
      if (arguments[1].min > 0)
        return {0, infinite(arguments[1].max) ? INT64_MAX : arguments[1].max - 1};
      return {INT64_MIN, INT64_MAX};
    case AtomKind::kMin:
      return {std::min(arguments[0].min, arguments[1].min),
              std::min(arguments[0].max, arguments[1].max)};
    case AtomKind::kMax:
      return {std::max(arguments[0].min, arguments[1].min),
              std::max(arguments[0].max, arguments[1].max)};
    default: {
      const Bounds difference = (atom.arguments[0] - atom.arguments[1]).bounds(symbols);
      if (difference.min >= 0) return arguments[2];
      if (difference.max < 0) return arguments[3];
      return {std::min(arguments[2].min, arguments[3].min),
              std::max(arguments[2].max, arguments[3].max)};
    }
  }
}

}  // namespace

Bounds Dim::bounds(const SymbolBounds& symbols) const {
  Bounds sum{0, 0};
  for (const Term& term : terms_) {
    Bounds product{term.coefficient, term.coefficient};
    for (const auto& factor : term.factors)
      product = multiply(product, bounds_of(*factor, symbols));
    sum = add(sum, product);
  }
  return sum;
}

}  // namespace dovetail::ir
