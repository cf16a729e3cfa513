// Code for shape expressions.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "ir/dim.h"
#include "ir/loop.h"

namespace dovetail::compiler {

// Emits expressions, equal subexpressions once as long as their symbols keep their values. In
// float64 the value is rounded, but does not wrap around.
class DimCode {
 public:
  // `known` gives what need not be computed: a symbol at least; nothing valid for the rest.
  using Known = std::function<loop::Value(const ir::Dim&)>;
  DimCode(loop::Builder& builder, ir::DType dtype, Known known)
      : b_(builder), type_(loop::scalar(dtype)), known_(std::move(known)) {}

  loop::Value emit(const ir::Dim& dim);
  // Nothing that was emitted before is used again.
  void forget() { done_.clear(); }

 private:
  loop::Value emit(const ir::Dim::Atom& atom);
  loop::Value floordiv(const loop::Value& a, const loop::Value& b);

  loop::Builder& b_;
  loop::Type type_;
  Known known_;
  std::map<ir::Dim, loop::Value> done_;
};

}  // namespace dovetail::compiler
