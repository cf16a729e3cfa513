#include "wire_tree.h"

#include <cstring>
#include <optional>

namespace dovetail::fuzz {
namespace {

struct Row {
  Message parent;
  uint32_t number;
  Message child;
};
constexpr Row kMessages[] = {
    {Message::kModel, 7, Message::kGraph},      {Message::kModel, 8, Message::kOpset},
    {Message::kModel, 25, Message::kFunction},  {Message::kGraph, 1, Message::kNode},
    {Message::kGraph, 5, Message::kTensor},     {Message::kGraph, 11, Message::kValueInfo},
    {Message::kGraph, 12, Message::kValueInfo}, {Message::kGraph, 13, Message::kValueInfo},
    {Message::kNode, 5, Message::kAttribute},   {Message::kAttribute, 5, Message::kTensor},
    {Message::kAttribute, 6, Message::kGraph},  {Message::kAttribute, 10, Message::kTensor},
    {Message::kAttribute, 11, Message::kGraph}, {Message::kValueInfo, 2, Message::kType},
    {Message::kType, 1, Message::kTensorType},  {Message::kTensorType, 2, Message::kShape},
    {Message::kShape, 1, Message::kDim},        {Message::kFunction, 7, Message::kNode},
    {Message::kFunction, 9, Message::kOpset},   {Message::kFunction, 11, Message::kAttribute},
};
constexpr int kMaxDepth = 200;

Message child_of(Message parent, uint32_t number) {
  for (const Row& row : kMessages) {
    if (row.parent == parent && row.number == number) return row.child;
  }
  return Message::kNone;
}

std::optional<uint64_t> take_varint(std::string_view* rest) {
  uint64_t value = 0;
  for (int shift = 0; shift < 70 && !rest->empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(rest->front());
    rest->remove_prefix(1);
    if (shift < 64) value |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

void put_varint(uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

bool take_fixed(std::string_view* rest, size_t size, uint64_t* value) {
  if (rest->size() < size) return false;
  std::memcpy(value, rest->data(), size);
  rest->remove_prefix(size);
  return true;
}

std::optional<std::vector<Field>> parse_fields(std::string_view rest, Message message, int depth);

std::optional<Field> take_field(std::string_view* rest, Message message, int depth) {
  const std::optional<uint64_t> key = take_varint(rest);
  if (!key) return std::nullopt;
  Field field;
  field.number = static_cast<uint32_t>(*key >> 3);
  field.wire = *key & 7;
  if (field.wire == 0) {
    const std::optional<uint64_t> value = take_varint(rest);
    if (!value) return std::nullopt;
    field.value = *value;
    return field;
  }
  if (field.wire == 1 || field.wire == 5) {
    if (!take_fixed(rest, field.wire == 1 ? 8 : 4, &field.value)) return std::nullopt;
    return field;
  }
  const std::optional<uint64_t> length = take_varint(rest);
  if (field.wire != 2 || !length || *length > rest->size()) return std::nullopt;
  const std::string_view content = rest->substr(0, *length);
  rest->remove_prefix(*length);
  const Message child = child_of(message, field.number);
  if (child != Message::kNone && depth < kMaxDepth) {
    if (auto fields = parse_fields(content, child, depth + 1)) {
      field.message = child;
      field.fields = std::move(*fields);
      return field;
    }
  }
  field.bytes = content;
  return field;
}

std::optional<std::vector<Field>> parse_fields(std::string_view rest, Message message, int depth) {
  std::vector<Field> fields;
  while (!rest.empty()) {
    std::optional<Field> field = take_field(&rest, message, depth);
    if (!field) return std::nullopt;
    fields.push_back(std::move(*field));
  }
  return fields;
}

void write_fields(const std::vector<Field>& fields, std::string* out) {
  for (const Field& field : fields) {
    put_varint(uint64_t{field.number} << 3 | field.wire, out);
    if (field.wire == 0) {
      put_varint(field.value, out);
    } else if (field.wire == 2) {
      std::string content = field.bytes;
      if (field.message != Message::kNone) write_fields(field.fields, &content);
      put_varint(content.size(), out);
      *out += content;
    } else {
      out->append(reinterpret_cast<const char*>(&field.value), field.wire == 1 ? 8 : 4);
    }
  }
}

}  // namespace

Field parse_model(std::string_view bytes) {
  Field model;
  model.message = Message::kModel;
  if (auto fields = parse_fields(bytes, Message::kModel, 0)) model.fields = std::move(*fields);
  return model;
}

std::string write_model(const Field& model) {
  std::string out;
  write_fields(model.fields, &out);
  return out;
}

std::vector<uint64_t> unpack_varints(std::string_view bytes) {
  std::vector<uint64_t> values;
  while (!bytes.empty()) {
    const std::optional<uint64_t> value = take_varint(&bytes);
    if (!value) break;
    values.push_back(*value);
  }
  return values;
}

std::string pack_varints(const std::vector<uint64_t>& values) {
  std::string bytes;
  for (const uint64_t value : values) put_varint(value, &bytes);
  return bytes;
}

}  // namespace dovetail::fuzz
