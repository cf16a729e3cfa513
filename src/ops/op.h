// What an ONNX operator is to the compiler: one OpDef, made of data and one function that lowers a
// node to primitives. src/ops/NAME.cc defines the operators of one file as NAME_ops(); CMake
// collects the files into one table. docs/adding_an_operator.md shows how.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ir/graph.h"

namespace dovetail::ops {

// The versions of the default ONNX domain that this compiler knows. `since` of an operator may be
// older where it has never changed.
inline constexpr int kMinOpset = 7;
inline constexpr int kMaxOpset = 28;

using Values = std::vector<ir::Value*>;
using Ints = std::vector<int64_t>;
using Reals = std::vector<double>;
using Texts = std::vector<std::string>;
// monostate: absent
using Attribute =
    std::variant<std::monostate, int64_t, double, std::string, Ints, Reals, Texts, ir::TensorData>;

enum class AttributeType : uint8_t { kInt, kReal, kText, kInts, kReals, kTexts, kTensor };
std::string_view name_of(AttributeType type);  // "an integer"

struct AttributeDef {
  std::string name;
  AttributeType type;
  Attribute otherwise = {};  // the default; monostate: none
  bool required = false;
};

// One ONNX node, without protobuf.
struct OnnxNode {
  std::string op_type;
  std::string domain;  // "" is the default one
  std::string name;    // as errors call it
  std::string scope;   // before the names of params, in a body: "if_3/then_branch/"
  int opset = 0;       // version of `domain` that the model asks for
  Values inputs;       // nullptr: absent
  Texts outputs;       // names; "" : not wanted; no trailing ""
  std::map<std::string, Attribute> attributes;
};

class LowerContext;

struct Count {
  int min = 1, max = 1;
};
inline constexpr int kAnyNumber = INT32_MAX;

// Sets of element types, for OpDef::dtypes.
using DTypes = uint32_t;
constexpr DTypes bit(ir::DType dtype) { return 1u << static_cast<int>(dtype); }
inline constexpr DTypes kFloats =
    bit(ir::DType::kF32) | bit(ir::DType::kF64) | bit(ir::DType::kF16) | bit(ir::DType::kBF16);
inline constexpr DTypes kSignedInts =
    bit(ir::DType::kI8) | bit(ir::DType::kI16) | bit(ir::DType::kI32) | bit(ir::DType::kI64);
inline constexpr DTypes kUnsignedInts =
    bit(ir::DType::kU8) | bit(ir::DType::kU16) | bit(ir::DType::kU32) | bit(ir::DType::kU64);
inline constexpr DTypes kInts = kSignedInts | kUnsignedInts;
inline constexpr DTypes kNumbers = kFloats | kInts;
inline constexpr DTypes kBools = bit(ir::DType::kBool);
inline constexpr DTypes kEvery = kNumbers | kBools;

struct OpDef {
  std::string name;
  int since = kMinOpset, until = kMaxOpset;  // opset versions, both inclusive
  Count inputs = {}, outputs = {};
  DTypes dtypes = kEvery;  // of the first input
  std::vector<AttributeDef> attributes = {};
  // One value per wanted output (values past what is wanted are dropped). Throws Error with a
  // sentence on what does not fit; the importer puts file and node before it. Empty for operators
  // that hold graphs, which the importer lowers itself.
  std::function<Values(LowerContext&)> lower = {};
  std::string limits = {};  // what of the operator is refused, for people; "": nothing
  std::string domain = {};
};

// Every operator there is, in the order of their files' names.
std::span<const OpDef* const> all_ops();
// The definition for this version of the operator's domain; nullptr when there is none.
const OpDef* find_op(std::string_view domain, std::string_view name, int opset);

}  // namespace dovetail::ops
