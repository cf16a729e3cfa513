// Loop IR: what kernels, the plan and the layout function are written in, once, for every backend.
//
// A Function is a structured program: definitions of immutable values, mutable variables, loops,
// conditions, loads and stores. Vectors are explicit (`lanes`); registers tiles are sets of
// variables that live across a loop, which a backend turns into SSA phis. Kernel writers use the
// Builder below: schedules (tiles, vector widths, unrolling, order of loops) are the C++ code that
// drives it.
//
// Semantics, the same in every backend:
//   integers       wrap around; kDiv and kRem truncate; division by 0 gives 0 for both, INT_MIN /
//   -1
//                  wraps (remainder 0)
//   kMin, kMax     a < b ? a : b and a > b ? a : b, exactly (so with a NaN the result is b)
//   kFma           one rounding where the CPU level has FMA, else multiply then add; in a strict
//                  function always multiply then add, and nothing else is ever contracted
//   kCast          float to integer truncates, saturates at the ends, NaN gives 0; anything to bool
//                  is x != 0; to a float type rounds once, to nearest even
//   kShl, kShr     counts at or above the width (negative ones too) give 0 (kShr of a signed value:
//                  the sign)
//   kSqrt ...      kSqrt is of floats; kFloor to kRoundEven leave integers as they are
//   comparisons    give bool lanes; with a NaN all but kNe are false; false < true
//   half precision float16 and bfloat16 are for memory: loads, stores, casts, selections and moves
//   of
//                  lanes. Arithmetic on them is written as casts to float32 and back
//   bool           logic (kAnd, kOr, kXor, kNot), kMin, kMax, comparisons; one byte each in memory
//   loads, stores  assume no alignment at all; masked ones touch only the first `count` lanes, none
//                  for a negative count
// There is no aliasing promise, no bounds check and no undefined value.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "ir/dtype.h"

namespace dovetail::loop {

using ir::DType;

// A scalar, a vector, or a pointer (dtype then says nothing: loads name their own type).
struct Type {
  DType dtype = DType::kI64;
  int lanes = 1;
  bool pointer = false;
  bool operator==(const Type&) const = default;
};
inline Type scalar(DType dtype) { return {dtype, 1, false}; }
inline Type vector(DType dtype, int lanes) { return {dtype, lanes, false}; }
inline Type pointer() { return {DType::kU8, 1, true}; }

enum class Opcode : uint8_t {
  kConstant,      // every lane `constant` (of the type's dtype)
  kIota,          // lanes 0, 1, 2, ... (integers)
  kArgument,      // the function's argument number `index`
  kReadVariable,  // the variable's current value; `index` is the variable
  // Same type in and out.
  kAdd,
  kSub,
  kMul,
  kDiv,
  kRem,
  kMin,
  kMax,
  kAnd,
  kOr,
  kXor,
  kShl,
  kShr,
  kNeg,
  kNot,
  kAbs,
  kSqrt,
  kFloor,
  kCeil,
  kTrunc,
  kRoundEven,
  kFma,  // a * b + c
  kEq,
  kNe,
  kLt,
  kLe,
  kGt,
  kGe,      // to bool lanes
  kSelect,  // bool lanes ? b : c
  kCast,
  kBitcast,
  kBroadcast,  // scalar -> all lanes
  kExtract,    // lane `index` -> scalar
  kShuffle,    // lanes of (a, b) by `lanes_picked`; -1 is not allowed
  kReduceAdd,  // pairwise tree: halves added until one lane is left; a power of two of lanes
  kReduceMin,
  kReduceMax,      // the same tree with kMin / kMax
  kLoad,           // *(pointer + offset bytes): operands pointer, i64 byte offset; of type pointer:
                   // entry `offset` of an array of pointers
  kLoadMasked,     // the first `count` lanes (i64, operand 2), the others are 0 and not touched
  kAddress,        // pointer + i64 byte offset
  kSymbolAddress,  // address of the function or data object `symbol`
};

using ValueId = int32_t;  // of a definition, unique in its function
using VariableId = int32_t;

struct Definition {
  ValueId id;
  Opcode op;
  Type type;
  std::vector<ValueId> operands;
  int32_t index = 0;  // kArgument, kReadVariable, kExtract
  std::variant<int64_t, double> constant = int64_t{0};
  std::vector<int32_t> lanes_picked = {};  // kShuffle
  std::string symbol = {};                 // kSymbolAddress
};

struct Statement;
using Block = std::vector<Statement>;

struct Declare {
  VariableId variable;
  ValueId initial;
};  // a variable starts to live in this block
struct Assign {
  VariableId variable;
  ValueId value;
};
struct Store {
  ValueId pointer, offset, value;
  ValueId count = -1;
};  // count >= 0: first lanes only
// Asks for the cache line at pointer + offset, into the second level; any address will do, and
// nothing depends on it.
struct Prefetch {
  ValueId pointer, offset;
};
// for (i = begin; i < end; i += step); step > 0 is a constant. `index` is an i64 value in `body`.
struct For {
  ValueId index;
  ValueId begin, end;
  int64_t step;
  std::string name;
  std::shared_ptr<Block> body;
};
struct If {
  ValueId condition;
  std::shared_ptr<Block> then_block, else_block;
};
// Runs the task function `callee` for chunks 0..chunks-1 through dovetail_parallel_for: `call` is
// the const dv_call*, `words` become the task's argument array.
struct ParallelCall {
  std::string callee;
  ValueId call;
  std::vector<ValueId> words;
  ValueId chunks;
};
// do body while (again); `again` is a bool that the body defines.
struct Repeat {
  std::shared_ptr<Block> body;
  ValueId again = -1;
};
// Calls a function of the executor that returns an int32 status; a status other than 0 is returned
// at once. In kPlain functions that end in Return.
struct CheckedCall {
  std::string callee;
  std::vector<ValueId> arguments;
};
// Leaves a kPlain function with an int32 status. Such a function ends in a Return.
struct Return {
  int32_t status = 0;
};
struct Comment {
  std::string text;
};
// return callee(arguments...): the last statement of a kPlain function, which then returns `type`
// instead of nothing.
struct TailCall {
  std::string callee;
  std::vector<ValueId> arguments;
  Type type;
};

struct Statement {
  std::variant<Definition, Declare, Assign, Store, Prefetch, For, If, Repeat, ParallelCall,
               CheckedCall, Return, Comment, TailCall>
      node;
};

struct Parameter {
  std::string name;
  Type type;
};
struct Variable {
  std::string name;
  Type type;
};

// How a function is called.
enum class Convention : uint8_t {
  kTask,   // void f(void* words, int64_t chunk, int32_t worker): the arguments are 8-byte words in
           // order (pointers, i64; an f32/f64/i32 argument takes a word of its own), then chunk and
           // worker as two last arguments, both i64
  kPlain,  // f(arguments...) in the C convention; void unless a TailCall or a Return ends it
};

struct Function {
  std::string name;
  Convention convention = Convention::kTask;
  bool exported = false;                // visible outside the object; else internal
  bool strict = false;                  // no contraction, see kFma
  std::string llvm_cpu, llvm_features;  // empty: the target's baseline
  std::vector<Parameter> parameters;    // kTask: without chunk and worker
  std::vector<Variable> variables;
  Block body;
  int32_t num_values = 0;
};

// C-like text of a function; equal text means equal code (the name can be left out, which is how
// kernels are deduplicated).
std::string to_string(const Function& function, bool with_name = true);
// Throws kInternal on a type error, a use before definition or outside of its block.
void verify(const Function& function);
uint64_t hash_of(const Function& function);  // of the text without name, stable between runs

// ---- Constant data: descriptors, tables, strings
// --------------------------------------------------

struct DataItem;
struct DataInt {
  int bytes;
  uint64_t value;
};
struct DataPointer {
  std::string symbol;
  int64_t addend = 0;
};  // symbol empty: null
struct DataString {
  std::string text;
};  // pointer to NUL-terminated text, merged
struct DataBytes {
  std::string bytes;
};  // inline
struct DataStruct {
  std::vector<DataItem> fields;
};  // C layout of the target
struct DataItem {
  std::variant<DataInt, DataPointer, DataString, DataBytes, DataStruct> node;
};

struct DataObject {
  std::string name;
  bool exported = false;
  std::string alias = {};  // a second name, which is exported: to what refers to `name`, a symbol
                           // of another library that is called so is nothing
  bool external =
      false;  // declared here, defined elsewhere (hidden): weights, the executor's table
  bool function = false;  // external only: a function
  int64_t alignment = 8;
  DataItem initial;  // an array is a DataStruct with equal fields
};

// What code generation takes: everything of one object file.
struct Module {
  std::vector<Function> functions;
  std::vector<DataObject> data;
};

// ---- Builder
// --------------------------------------------------------------------------------------

class Builder;

// A handle to an immutable value. Operators need equal types; an int or double next to a Value
// becomes a constant of its type (all lanes).
class Value {
 public:
  Value() = default;
  Value(Builder* builder, ValueId id, Type type) : builder_(builder), id_(id), type_(type) {}
  ValueId id() const { return id_; }
  const Type& type() const { return type_; }
  int lanes() const { return type_.lanes; }
  DType dtype() const { return type_.dtype; }
  Builder* builder() const { return builder_; }
  bool valid() const { return builder_ != nullptr; }

 private:
  Builder* builder_ = nullptr;
  ValueId id_ = -1;
  Type type_;
};

// A mutable variable; reading gives a Value of that moment.
class Var {
 public:
  Var() = default;
  Var(Builder* builder, VariableId id, Type type) : builder_(builder), id_(id), type_(type) {}
  Value get() const;
  void set(const Value& value) const;
  VariableId id() const { return id_; }
  const Type& type() const { return type_; }

 private:
  Builder* builder_ = nullptr;
  VariableId id_ = -1;
  Type type_;
};

// Writes one function. i64 constants are folded, and `x + 0`, `x * 1` disappear, so that index
// arithmetic can be written plainly. Offsets of loads and stores are in bytes (see `element`).
class Builder {
 public:
  Builder(std::string name, Convention convention);

  // Parameters, declared in the order of the argument words, before any statement.
  Value pointer_parameter(const std::string& name);
  Value int_parameter(const std::string& name);  // i64
  Value parameter(const std::string& name, Type type);
  Value chunk();   // kTask: i64
  Value worker();  // kTask: i64

  Value constant(int64_t value, Type type = {});
  Value constant(double value, Type type);
  Value iota(Type type);
  Value unary(Opcode op, const Value& a);
  Value binary(Opcode op, const Value& a, const Value& b);
  Value compare(Opcode op, const Value& a, const Value& b);
  Value select(const Value& condition, const Value& a, const Value& b);
  Value fma(const Value& a, const Value& b, const Value& c);
  Value cast(const Value& a, DType dtype);
  Value bitcast(const Value& a, DType dtype);  // same bits per lane
  Value broadcast(const Value& a, int lanes);  // of a scalar; lanes 1 gives it back
  Value extract(const Value& a, int lane);
  Value shuffle(const Value& a, const Value& b, std::vector<int32_t> lanes_picked);
  Value reduce(Opcode op, const Value& a);
  // i64 byte offset of element `index` of elements of `dtype`.
  Value element(const Value& index, DType dtype);
  Value load(Type type, const Value& pointer, const Value& byte_offset);
  Value load_masked(Type type, const Value& pointer, const Value& byte_offset, const Value& count);
  Value load_pointer(const Value& table, int64_t index);  // entry `index` of an array of pointers
  Value address(const Value& pointer, const Value& byte_offset);
  Value symbol_address(const std::string& symbol);

  void store(const Value& value, const Value& pointer, const Value& byte_offset);
  void store_masked(const Value& value, const Value& pointer, const Value& byte_offset,
                    const Value& count);
  void prefetch(const Value& pointer, const Value& byte_offset);
  Var var(const std::string& name, const Value& initial);
  void for_each(const std::string& name, const Value& begin, const Value& end, int64_t step,
                const std::function<void(Value)>& body);
  void if_(const Value& condition, const std::function<void()>& then_block,
           const std::function<void()>& else_block = nullptr);
  void parallel_call(const std::string& callee, const Value& call, const std::vector<Value>& words,
                     const Value& chunks);
  // do body() while what it gives is true
  void repeat(const std::function<Value()>& body);
  void checked_call(const std::string& callee, const std::vector<Value>& arguments);
  void return_(int32_t status);
  void comment(const std::string& text);
  void tail_call(const std::string& callee, const std::vector<Value>& arguments, Type type);

  Function& function() { return *function_; }
  // Verifies and gives the function away; the builder is empty afterwards.
  Function finish();

 private:
  friend class Var;
  Value define(Definition definition);
  Value task_argument(ValueId* id, int32_t position);
  struct Impl;
  std::shared_ptr<Impl> impl_;
  std::unique_ptr<Function> function_;
};

Value operator+(const Value& a, const Value& b);
Value operator-(const Value& a, const Value& b);
Value operator*(const Value& a, const Value& b);
Value operator/(const Value& a, const Value& b);
Value operator%(const Value& a, const Value& b);
Value operator-(const Value& a);
Value min(const Value& a, const Value& b);  // kMin
Value max(const Value& a, const Value& b);  // kMax
Value operator<(const Value& a, const Value& b);
Value operator<=(const Value& a, const Value& b);
Value operator>(const Value& a, const Value& b);
Value operator>=(const Value& a, const Value& b);
Value operator==(const Value& a, const Value& b);
Value operator!=(const Value& a, const Value& b);

// A number as a constant of `like`'s type. A number with a fraction next to an integer is
// kInternal.
template <class T>
concept Number = std::is_arithmetic_v<T>;
template <Number T>
Value constant_like(const Value& like, T number) {
  if constexpr (std::is_floating_point_v<T>) {
    return like.builder()->constant(static_cast<double>(number), like.type());
  } else {
    return like.builder()->constant(static_cast<int64_t>(number), like.type());
  }
}
// clang-format off
template <Number T> Value operator+(const Value& a, T b) { return a + constant_like(a, b); }
template <Number T> Value operator-(const Value& a, T b) { return a - constant_like(a, b); }
template <Number T> Value operator*(const Value& a, T b) { return a * constant_like(a, b); }
template <Number T> Value operator/(const Value& a, T b) { return a / constant_like(a, b); }
template <Number T> Value operator%(const Value& a, T b) { return a % constant_like(a, b); }
template <Number T> Value operator+(T a, const Value& b) { return constant_like(b, a) + b; }
template <Number T> Value operator-(T a, const Value& b) { return constant_like(b, a) - b; }
template <Number T> Value operator*(T a, const Value& b) { return constant_like(b, a) * b; }
template <Number T> Value operator/(T a, const Value& b) { return constant_like(b, a) / b; }
template <Number T> Value min(const Value& a, T b) { return min(a, constant_like(a, b)); }
template <Number T> Value max(const Value& a, T b) { return max(a, constant_like(a, b)); }
template <Number T> Value operator<(const Value& a, T b) { return a < constant_like(a, b); }
template <Number T> Value operator<=(const Value& a, T b) { return a <= constant_like(a, b); }
template <Number T> Value operator>(const Value& a, T b) { return a > constant_like(a, b); }
template <Number T> Value operator>=(const Value& a, T b) { return a >= constant_like(a, b); }
template <Number T> Value operator==(const Value& a, T b) { return a == constant_like(a, b); }
template <Number T> Value operator!=(const Value& a, T b) { return a != constant_like(a, b); }
// clang-format on

}  // namespace dovetail::loop
