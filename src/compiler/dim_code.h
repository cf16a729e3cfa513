// Code for shape expressions.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ir/dim.h"
#include "ir/loop.h"

namespace dovetail::compiler {

// Emits expressions in int64, equal subexpressions once as long as their symbols keep their values.
class DimCode {
 public:
  // `known` gives what need not be computed: a symbol at least; nothing valid for the rest.
  using Known = std::function<loop::Value(const ir::Dim&)>;
  DimCode(loop::Builder& builder, Known known) : b_(builder), known_(std::move(known)) {}

  loop::Value emit(const ir::Dim& dim);
  // Leaves the function with DV_TOO_LARGE if a number emitted since the last call, in this block,
  // may have wrapped around. To stand before anything relies on those numbers.
  void check_range();
  // Nothing that was emitted before is used again.
  void forget() { done_.clear(); }

 private:
  loop::Value emit(const ir::Dim::Atom& atom);
  loop::Value product(const ir::Dim::Term& term, size_t terms);
  loop::Value floordiv(const loop::Value& a, const loop::Value& b);

  loop::Builder& b_;
  Known known_;
  std::map<ir::Dim, loop::Value> done_;
  // A product of factors, and the largest coefficient it is multiplied with.
  struct Product {
    std::vector<loop::Value> factors;
    double coefficient = 0;
  };
  std::map<ir::Dim, Product> unchecked_;
};

}  // namespace dovetail::compiler
