// The scalar expression of an elementwise node: a small SSA program over one element of each
// operand. In Lookup and Scatter nodes it computes from a position instead: which elements it reads
// is part of the expression.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "ir/dtype.h"

namespace dovetail::ir {

enum class ScalarOp : uint8_t {
  kOperand,   // `index`-th operand's element
  kConstant,  // `constant` in `dtype`
  // unary, dtype kept
  kNeg,
  kAbs,
  kSign,
  kNot,
  kSqrt,
  kReciprocal,
  kExp,
  kLog,
  kSin,
  kCos,
  kTan,
  kAsin,
  kAcos,
  kAtan,
  kSinh,
  kCosh,
  kAsinh,
  kAcosh,
  kAtanh,
  kTanh,
  kErf,
  kSigmoid,
  kFloor,
  kCeil,
  kRoundEven,
  kTrunc,
  kIsNan,
  kIsInf,  // to bool
  // binary
  kAdd,
  kSub,
  kMul,
  kDiv,
  kRem,
  kFloorMod,
  kPow,
  kMin,
  kMax,  // min and max propagate NaN
  kAnd,
  kOr,
  kXor,
  kShl,
  kShr,
  kEq,
  kNe,
  kLt,
  kLe,
  kGt,
  kGe,      // to bool
  kSelect,  // condition, a, b
  kCast,    // to `dtype`
  // Of Lookup and Scatter alone, which have no kOperand; all positions are int64.
  kIndex,  // the position along axis `index`
  kLoad,   // the element of operand `index` at coordinates, one argument per axis, each clamped
           // into the operand; 0 when the operand is empty
  kDim,    // entry `index` of the node's `dims`
};
int arity_of(ScalarOp op);              // 0 for kOperand, kConstant, kIndex, kDim; kLoad: -1
bool is_positional(ScalarOp op);        // kIndex, kLoad, kDim
std::string_view name_of(ScalarOp op);  // "add", "select"

struct ScalarNode {
  ScalarOp op;
  DType dtype;                 // of the result
  std::vector<int> arguments;  // indices of earlier nodes
  int index = 0;               // kOperand, kIndex, kLoad, kDim
  std::variant<int64_t, double> constant = int64_t{0};
  bool operator==(const ScalarNode&) const = default;
};

// The last node is the result. Integer semantics are those of loop IR: wrap around, division by
// zero gives zero, casts saturate.
struct ScalarExpr {
  std::vector<ScalarNode> nodes;
  DType result() const { return nodes.back().dtype; }
  bool operator==(const ScalarExpr&) const = default;
};

// Readable: "max(add(%0, %1), 0)". Operands print as %index, positions as i0, entries of dims as
// d0, loads as %0[i1, i0]. Large expressions print each part once: "t0 = add(%0, 1); mul(t0, t0)".
std::string to_string(const ScalarExpr& expr);
ScalarExpr operand_expr(DType dtype);  // %0 itself
// `outer` with its operand `position` replaced by `inner`: operand k of `inner` becomes
// operand_map[k] of the result, operand k of `outer` (k != position) outer_map[k].
ScalarExpr compose(const ScalarExpr& outer, int position, const ScalarExpr& inner,
                   const std::vector<int>& outer_map, const std::vector<int>& inner_map);

// Writes expressions in code: ExprBuilder e; auto x = e.operand(0, f32); e.finish(e.max(x,
// e.constant(0, f32)))
class ExprBuilder {
 public:
  using Ref = int;
  Ref operand(int index, DType dtype);
  Ref constant(double value, DType dtype);  // exact for floats; integers take the int64 overload
  Ref constant(int64_t value, DType dtype);
  Ref unary(ScalarOp op, Ref a);  // result dtype follows the op
  Ref binary(ScalarOp op, Ref a, Ref b);
  Ref select(Ref condition, Ref a, Ref b);
  Ref cast(Ref a, DType dtype);
  Ref index(int axis);
  Ref load(int operand, DType dtype, std::vector<Ref> coordinates);
  Ref dim(int index);
  DType dtype(Ref a) const { return nodes_[a].dtype; }
  ScalarExpr finish(Ref result);

 private:
  std::vector<ScalarNode> nodes_;
};

}  // namespace dovetail::ir
