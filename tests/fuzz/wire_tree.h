// An ONNX file as the tree of its protobuf fields: enough of the format to change a model's parts
// and write it again. Unknown fields are kept as bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dovetail::fuzz {

// The messages of onnx.proto whose inside matters.
enum class Message : uint8_t {
  kNone,  // no message: a number or bytes
  kModel,
  kGraph,
  kNode,
  kAttribute,
  kTensor,
  kValueInfo,
  kType,
  kTensorType,
  kShape,
  kDim,
  kOpset,
  kFunction
};

struct Field {
  uint32_t number = 0;
  uint8_t wire = 0;    // 0 varint, 1 fixed64, 2 bytes or message, 5 fixed32
  uint64_t value = 0;  // wire 0, 1, 5
  std::string bytes;   // wire 2 that is no message
  Message message = Message::kNone;
  std::vector<Field> fields;  // of the message
};

// Nothing that is no protobuf is lost: what cannot be read as fields stays bytes.
Field parse_model(std::string_view bytes);
std::string write_model(const Field& model);

std::vector<uint64_t> unpack_varints(std::string_view bytes);
std::string pack_varints(const std::vector<uint64_t>& values);

}  // namespace dovetail::fuzz
