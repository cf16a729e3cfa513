#include "ir/dim.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "base/error.h"

namespace dovetail::ir {

struct DimBuilder {
  static Dim of(std::vector<Dim::Term> terms);
};

namespace {

using Factor = std::shared_ptr<const Dim::Atom>;
using Term = Dim::Term;

int64_t checked_add(int64_t a, int64_t b) {
  int64_t result;
  if (__builtin_add_overflow(a, b, &result))
    throw_error(ErrorKind::kValue, "an extent overflows 64 bits: {} + {}", a, b);
  return result;
}

int64_t checked_mul(int64_t a, int64_t b) {
  int64_t result;
  if (__builtin_mul_overflow(a, b, &result))
    throw_error(ErrorKind::kValue, "an extent overflows 64 bits: {} * {}", a, b);
  return result;
}

// ---- A total order ---------------------------------------------------------------------------

int compare(const Dim& a, const Dim& b);

int compare(const Dim::Atom& a, const Dim::Atom& b) {
  if (&a == &b) return 0;
  if (a.kind != b.kind) return a.kind < b.kind ? -1 : 1;
  if (const int names = a.name.compare(b.name); names != 0) return names;
  for (size_t i = 0; i < a.arguments.size(); ++i) {
    if (const int c = compare(a.arguments[i], b.arguments[i]); c != 0) return c;
  }
  return 0;
}

int compare_factors(const std::vector<Factor>& a, const std::vector<Factor>& b) {
  // Longer products first, so that the constant term comes last.
  if (a.size() != b.size()) return a.size() > b.size() ? -1 : 1;
  for (size_t i = 0; i < a.size(); ++i) {
    if (const int c = compare(*a[i], *b[i]); c != 0) return c;
  }
  return 0;
}

int compare(const Dim& a, const Dim& b) {
  const auto& x = a.terms();
  const auto& y = b.terms();
  for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    if (const int c = compare_factors(x[i].factors, y[i].factors); c != 0) return c;
    if (x[i].coefficient != y[i].coefficient) return x[i].coefficient < y[i].coefficient ? -1 : 1;
  }
  return x.size() == y.size() ? 0 : (x.size() < y.size() ? -1 : 1);
}

// ---- Atoms -----------------------------------------------------------------------------------

// Making a larger expression is kUnsupported: most functions here take time for each part, and a
// chain of nodes that name an extent twice each doubles it with every node.
constexpr int64_t kMaxParts = int64_t{1} << 17;

int64_t parts_of(const std::vector<Term>& terms) {
  int64_t parts = 0;
  for (const Term& term : terms) {
    for (const Factor& factor : term.factors) parts += factor->parts;
  }
  return parts;
}

Dim of_atom(AtomKind kind, std::string name, std::vector<Dim> arguments) {
  auto atom = std::make_shared<Dim::Atom>();
  for (const Dim& argument : arguments) atom->parts += parts_of(argument.terms());
  atom->kind = kind;
  atom->name = std::move(name);
  atom->arguments = std::move(arguments);
  return DimBuilder::of({{1, {std::move(atom)}}});
}

int64_t floor_quotient(int64_t a, int64_t b) {
  if (b == 0) throw_error(ErrorKind::kValue, "an extent divides by zero");
  if (a == INT64_MIN && b == -1) return checked_mul(a, b);
  const int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

// ---- Exact quotients -------------------------------------------------------------------------

// term / divisor when the divisor's coefficient and factors all divide it.
std::optional<Term> divide_term(const Term& term, const Term& divisor) {
  if (term.coefficient % divisor.coefficient != 0) return std::nullopt;
  Term quotient{term.coefficient / divisor.coefficient, term.factors};
  for (const Factor& factor : divisor.factors) {
    const auto at =
        std::find_if(quotient.factors.begin(), quotient.factors.end(),
                     [&](const Factor& other) { return compare(*factor, *other) == 0; });
    if (at == quotient.factors.end()) return std::nullopt;
    quotient.factors.erase(at);
  }
  return quotient;
}

// The terms of `a` that b's single term divides, already divided, and the rest.
std::pair<std::vector<Term>, std::vector<Term>> split_multiples(const Dim& a, const Term& divisor) {
  std::vector<Term> exact;
  std::vector<Term> rest;
  for (const Term& term : a.terms()) {
    if (auto quotient = divide_term(term, divisor)) {
      exact.push_back(std::move(*quotient));
    } else {
      rest.push_back(term);
    }
  }
  return {std::move(exact), std::move(rest)};
}

// a / b when b has several terms and a is a multiple: tries the quotient of the leading terms.
std::optional<Dim> divide_exactly(const Dim& a, const Dim& b) {
  Dim rest = a;
  Dim quotient = 0;
  for (int step = 0; step < 16 && !rest.terms().empty(); ++step) {
    const auto term = divide_term(rest.terms().front(), b.terms().front());
    if (!term) return std::nullopt;
    const Dim part = DimBuilder::of({*term});
    quotient += part;
    rest = rest - part * b;
  }
  return rest.terms().empty() ? std::optional(quotient) : std::nullopt;
}

// Bounds with every symbol in [0, inf): enough to prove most orders.
Bounds free_bounds(const Dim& dim) { return dim.bounds({}); }

std::string atom_text(const Dim::Atom& atom) {
  static constexpr const char* kNames[] = {"", "floordiv", "mod", "min", "max", "select_ge"};
  if (atom.kind == AtomKind::kSymbol) return atom.name;
  std::vector<std::string> arguments;
  for (const Dim& argument : atom.arguments) arguments.push_back(argument.to_string());
  return fmt::format("{}({})", kNames[static_cast<int>(atom.kind)], fmt::join(arguments, ", "));
}

// ---- A minimum and a maximum that part a sum ---------------------------------------------------

// The atom that a term is a multiple of.
const Dim::Atom* lone_atom(const Term& term, AtomKind kind) {
  return term.factors.size() == 1 && term.factors[0]->kind == kind ? term.factors[0].get()
                                                                   : nullptr;
}

// min(a, b) + max(p, q) = a + q where a - b = p - q: x[:k] and x[k:] are as long as x.
std::optional<Dim> parted_sum(const Dim::Atom& low, const Dim::Atom& high) {
  const Dim difference = low.arguments[0] - low.arguments[1];
  for (const size_t q : {0, 1}) {
    if (high.arguments[1 - q] - high.arguments[q] == difference) {
      return low.arguments[0] + high.arguments[q];
    }
  }
  return std::nullopt;
}

// The sum of the terms without such a pair; nothing when there is none.
std::optional<Dim> without_parts(const std::vector<Term>& terms) {
  for (size_t i = 0; i < terms.size(); ++i) {
    const Dim::Atom* low = lone_atom(terms[i], AtomKind::kMin);
    if (!low) continue;
    for (size_t k = 0; k < terms.size(); ++k) {
      const Dim::Atom* high = lone_atom(terms[k], AtomKind::kMax);
      const int64_t a = terms[i].coefficient, b = terms[k].coefficient;
      if (!high || (a < 0) != (b < 0)) continue;
      const auto sum = parted_sum(*low, *high);
      if (!sum) continue;
      const int64_t times = a < 0 ? std::max(a, b) : std::min(a, b);
      std::vector<Term> rest = terms;
      rest[i].coefficient -= times;
      rest[k].coefficient -= times;
      return DimBuilder::of(std::move(rest)) + *sum * Dim(times);
    }
  }
  return std::nullopt;
}

}  // namespace

Dim DimBuilder::of(std::vector<Term> terms) {
  std::stable_sort(terms.begin(), terms.end(), [](const Term& a, const Term& b) {
    return compare_factors(a.factors, b.factors) < 0;
  });
  Dim result(0);
  for (Term& term : terms) {
    if (!result.terms_.empty() &&
        compare_factors(result.terms_.back().factors, term.factors) == 0) {
      result.terms_.back().coefficient =
          checked_add(result.terms_.back().coefficient, term.coefficient);
    } else {
      result.terms_.push_back(std::move(term));
    }
    if (result.terms_.back().coefficient == 0) result.terms_.pop_back();
  }
  if (parts_of(result.terms_) > kMaxParts) {
    throw_error(ErrorKind::kUnsupported,
                "an extent has become an expression of more than {} parts; fix dims of the inputs "
                "by --dim",
                kMaxParts);
  }
  return without_parts(result.terms_).value_or(result);
}

Dim::Dim(int64_t value) {
  if (value != 0) terms_.push_back({value, {}});
}

Dim Dim::symbol(const std::string& name) { return of_atom(AtomKind::kSymbol, name, {}); }

Dim Dim::of(std::shared_ptr<const Atom> atom) { return DimBuilder::of({{1, {std::move(atom)}}}); }

bool Dim::is_constant() const {
  return terms_.empty() || (terms_.size() == 1 && terms_[0].factors.empty());
}

int64_t Dim::value() const {
  DOVETAIL_CHECK(is_constant(), "{} is not a constant", to_string());
  return terms_.empty() ? 0 : terms_[0].coefficient;
}

std::optional<int64_t> Dim::constant() const {
  return is_constant() ? std::optional(value()) : std::nullopt;
}

std::optional<std::string> Dim::lone_symbol() const {
  if (terms_.size() != 1 || terms_[0].coefficient != 1 || terms_[0].factors.size() != 1)
    return std::nullopt;
  const Atom& atom = *terms_[0].factors[0];
  return atom.kind == AtomKind::kSymbol ? std::optional(atom.name) : std::nullopt;
}

std::set<std::string> Dim::symbols() const {
  std::set<std::string> names;
  for (const Term& term : terms_) {
    for (const Factor& factor : term.factors) {
      if (factor->kind == AtomKind::kSymbol) names.insert(factor->name);
      for (const Dim& argument : factor->arguments) names.merge(argument.symbols());
    }
  }
  return names;
}

namespace {

// An expression made anew from its atoms: `of` gives the value of one whose arguments are made.
template <class Of>
Dim rebuilt(const Dim& dim, const Of& of) {
  Dim sum = 0;
  for (const Term& term : dim.terms()) {
    Dim product = term.coefficient;
    for (const Factor& factor : term.factors) product *= of(factor);
    sum += product;
  }
  return sum;
}

// An atom that is no symbol, of these arguments, simplified.
Dim remade(AtomKind kind, const std::vector<Dim>& arguments) {
  switch (kind) {
    case AtomKind::kFloorDiv:
      return floordiv(arguments[0], arguments[1]);
    case AtomKind::kMod:
      return mod(arguments[0], arguments[1]);
    case AtomKind::kMin:
      return min(arguments[0], arguments[1]);
    case AtomKind::kMax:
      return max(arguments[0], arguments[1]);
    default:
      return select_ge(arguments[0], arguments[1], arguments[2], arguments[3]);
  }
}

}  // namespace

Dim Dim::substitute(const std::map<std::string, Dim>& values) const {
  return rebuilt(*this, [&](const Factor& factor) {
    if (factor->kind == AtomKind::kSymbol) {
      const auto found = values.find(factor->name);
      return found == values.end() ? Dim::symbol(factor->name) : found->second;
    }
    std::vector<Dim> arguments;
    for (const Dim& argument : factor->arguments) arguments.push_back(argument.substitute(values));
    return remade(factor->kind, arguments);
  });
}

Dim Dim::replace(const Dim& part, const Dim& value) const {
  const Atom& wanted = *part.terms().front().factors.front();
  return rebuilt(*this, [&](const Factor& factor) {
    if (compare(*factor, wanted) == 0) return value;
    if (factor->kind == AtomKind::kSymbol) return Dim::symbol(factor->name);
    std::vector<Dim> arguments;
    for (const Dim& argument : factor->arguments)
      arguments.push_back(argument.replace(part, value));
    return remade(factor->kind, arguments);
  });
}

int64_t Dim::evaluate(const std::map<std::string, int64_t>& values) const {
  std::map<std::string, Dim> constants;
  for (const auto& [name, value] : values) constants.emplace(name, Dim(value));
  const Dim result = substitute(constants);
  if (!result.is_constant()) {
    throw_error(ErrorKind::kValue, "the dimension '{}' has no value", *result.symbols().begin());
  }
  return result.value();
}

std::string Dim::to_string() const {
  if (terms_.empty()) return "0";
  std::string text;
  for (const Term& term : terms_) {
    const bool negative = term.coefficient < 0;
    const uint64_t magnitude = negative ? uint64_t{0} - static_cast<uint64_t>(term.coefficient)
                                        : static_cast<uint64_t>(term.coefficient);
    text += text.empty() ? (negative ? "-" : "") : (negative ? " - " : " + ");
    std::string product =
        magnitude == 1 && !term.factors.empty() ? "" : fmt::format("{}", magnitude);
    for (const Factor& factor : term.factors)
      product += (product.empty() ? "" : "*") + atom_text(*factor);
    text += product;
  }
  return text;
}

Dim Dim::operator+(const Dim& other) const {
  std::vector<Term> terms = terms_;
  terms.insert(terms.end(), other.terms_.begin(), other.terms_.end());
  return DimBuilder::of(std::move(terms));
}

Dim Dim::operator-(const Dim& other) const { return *this + other * Dim(-1); }

Dim Dim::operator*(const Dim& other) const {
  std::vector<Term> terms;
  for (const Term& a : terms_) {
    for (const Term& b : other.terms_) {
      Term product{checked_mul(a.coefficient, b.coefficient), a.factors};
      product.factors.insert(product.factors.end(), b.factors.begin(), b.factors.end());
      std::stable_sort(product.factors.begin(), product.factors.end(),
                       [](const Factor& x, const Factor& y) { return compare(*x, *y) < 0; });
      terms.push_back(std::move(product));
    }
  }
  return DimBuilder::of(std::move(terms));
}

bool Dim::operator==(const Dim& other) const { return compare(*this, other) == 0; }
bool Dim::operator<(const Dim& other) const { return compare(*this, other) < 0; }

Dim floordiv(const Dim& a, const Dim& b) {
  if (b == Dim(0)) throw_error(ErrorKind::kValue, "an extent divides by zero");
  if (a.is_constant() && b.is_constant()) return floor_quotient(a.value(), b.value());
  if (b == Dim(1)) return a;
  if (a == b || a == Dim(0)) return a == Dim(0) ? 0 : 1;
  if (b.terms().size() == 1) {
    auto [exact, rest] = split_multiples(a, b.terms().front());
    const Dim whole = DimBuilder::of(std::move(exact));
    const Dim remainder = DimBuilder::of(std::move(rest));
    if (remainder == Dim(0)) return whole;
    if (whole != Dim(0)) return whole + floordiv(remainder, b);
  } else if (auto quotient = divide_exactly(a, b)) {
    return *quotient;
  }
  const Bounds low = free_bounds(a);
  if (low.min >= 0 && free_bounds(b - a).min > 0) return 0;
  // floordiv(floordiv(x, p), q) = floordiv(x, p * q) for p, q > 0.
  if (b.is_constant() && b.value() > 0 && a.terms().size() == 1 && a.terms()[0].coefficient == 1 &&
      a.terms()[0].factors.size() == 1) {
    const Dim::Atom& atom = *a.terms()[0].factors[0];
    if (atom.kind == AtomKind::kFloorDiv && atom.arguments[1].is_constant() &&
        atom.arguments[1].value() > 0) {
      return floordiv(atom.arguments[0], atom.arguments[1] * b);
    }
  }
  return of_atom(AtomKind::kFloorDiv, "", {a, b});
}

Dim ceildiv(const Dim& a, const Dim& b) { return floordiv(a + b - 1, b); }

Dim mod(const Dim& a, const Dim& b) {
  if (a.is_constant() && b.is_constant()) return a - b * floordiv(a, b);
  if (b == Dim(1) || a == b) return 0;
  if (b.terms().size() == 1) {
    auto [exact, rest] = split_multiples(a, b.terms().front());
    const Dim remainder = DimBuilder::of(std::move(rest));
    if (remainder == Dim(0)) return 0;
    if (!exact.empty()) return mod(remainder, b);
  }
  return of_atom(AtomKind::kMod, "", {a, b});
}

Dim min(const Dim& a, const Dim& b) {
  if (free_bounds(b - a).min >= 0) return a;
  if (free_bounds(a - b).min >= 0) return b;
  return of_atom(AtomKind::kMin, "", b < a ? std::vector{b, a} : std::vector{a, b});
}

Dim max(const Dim& a, const Dim& b) {
  if (free_bounds(a - b).min >= 0) return a;
  if (free_bounds(b - a).min >= 0) return b;
  return of_atom(AtomKind::kMax, "", b < a ? std::vector{b, a} : std::vector{a, b});
}

Dim select_ge(const Dim& a, const Dim& b, const Dim& x, const Dim& y) {
  if (x == y) return x;
  const Bounds difference = free_bounds(a - b);
  if (difference.min >= 0) return x;
  if (difference.max < 0) return y;
  return of_atom(AtomKind::kSelectGe, "", {a, b, x, y});
}

Dim element_count(const Shape& shape) {
  Dim count = 1;
  for (const Dim& extent : shape) count *= extent;
  return count;
}

std::string to_string(const Shape& shape) {
  std::vector<std::string> extents;
  for (const Dim& extent : shape) extents.push_back(extent.to_string());
  return fmt::format("[{}]", fmt::join(extents, ","));
}

bool is_static(const Shape& shape) {
  return std::all_of(shape.begin(), shape.end(),
                     [](const Dim& extent) { return extent.is_constant(); });
}

std::vector<Dim> compact_strides(const Shape& shape) {
  std::vector<Dim> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

std::ostream& operator<<(std::ostream& out, const Dim& dim) { return out << dim.to_string(); }

}  // namespace dovetail::ir
