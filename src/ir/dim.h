// The shape algebra: integer expressions over named symbols, kept in canonical form.
//
// A Dim is a sum of terms, each an integer coefficient times a sorted product of atoms; an atom is
// a symbol or one of floordiv(a, b), mod(a, b), min(a, b), max(a, b), select_ge(a, b, x, y), whose
// arguments are Dims. Equal canonical forms mean equal values for every assignment, so `==` is
// structural: it proves equality, while `!=` only says that equality was not proved.
// Symbols are extents: integers >= 0. Arithmetic that overflows int64 throws ErrorKind::kValue.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace dovetail::ir {

// Inclusive bounds of a symbol.
struct Bounds {
  int64_t min = 0;
  int64_t max = INT64_MAX;
};
using SymbolBounds = std::map<std::string, Bounds>;

class Dim {
 public:
  Dim() : Dim(0) {}
  Dim(int64_t value);  // implicit: an extent is mostly a number
  static Dim symbol(const std::string& name);
  struct Atom;
  static Dim of(std::shared_ptr<const Atom> atom);  // it alone

  bool is_constant() const;
  int64_t value() const;  // of a constant
  std::optional<int64_t> constant() const;
  // The name when the expression is one symbol alone.
  std::optional<std::string> lone_symbol() const;
  std::set<std::string> symbols() const;

  // With every symbol given. Division by zero and unknown names throw ErrorKind::kValue.
  int64_t evaluate(const std::map<std::string, int64_t>& values) const;
  Dim substitute(const std::map<std::string, Dim>& values) const;
  // Every occurrence of `part`, an expression of one atom alone, replaced by `value`.
  Dim replace(const Dim& part, const Dim& value) const;
  // Conservative bounds of the expression (saturating at the ends of int64).
  Bounds bounds(const SymbolBounds& symbols) const;
  // "2*h + 1", "floordiv(w + 1, 2)"; stable order.
  std::string to_string() const;

  Dim operator+(const Dim& other) const;
  Dim operator-(const Dim& other) const;
  Dim operator*(const Dim& other) const;
  Dim operator-() const { return Dim(0) - *this; }
  Dim& operator+=(const Dim& other) { return *this = *this + other; }
  Dim& operator*=(const Dim& other) { return *this = *this * other; }
  bool operator==(const Dim& other) const;
  bool operator!=(const Dim& other) const { return !(*this == other); }
  bool operator<(const Dim& other) const;  // a total order for containers, not of values

  // The structure, for code that evaluates expressions elsewhere (the compiled layout function).
  struct Term {
    int64_t coefficient;
    std::vector<std::shared_ptr<const Atom>> factors;  // sorted; empty for the constant term
  };
  const std::vector<Term>& terms() const { return terms_; }

 private:
  friend struct DimBuilder;
  std::vector<Term> terms_;
};

enum class AtomKind : uint8_t { kSymbol, kFloorDiv, kMod, kMin, kMax, kSelectGe };

struct Dim::Atom {
  AtomKind kind;
  std::string name;            // kSymbol
  std::vector<Dim> arguments;  // the others
  int64_t parts = 1;           // atoms in it and in its arguments, each as often as it is named
};

Dim floordiv(const Dim& a,
             const Dim& b);  // rounds toward minus infinity; simplifies what it can prove
Dim ceildiv(const Dim& a, const Dim& b);
Dim mod(const Dim& a, const Dim& b);  // a - b * floordiv(a, b)
Dim min(const Dim& a, const Dim& b);
Dim max(const Dim& a, const Dim& b);
// a >= b ? x : y
Dim select_ge(const Dim& a, const Dim& b, const Dim& x, const Dim& y);

using Shape = std::vector<Dim>;
Dim element_count(const Shape& shape);      // 1 for rank 0
std::string to_string(const Shape& shape);  // "[batch,3,224,224]"
bool is_static(const Shape& shape);
// Row-major compact strides in elements.
std::vector<Dim> compact_strides(const Shape& shape);

std::ostream& operator<<(std::ostream& out, const Dim& dim);

}  // namespace dovetail::ir
