#include "ir/dtype.h"

#include <array>

namespace dovetail::ir {
namespace {

enum class Kind : uint8_t { kFloat, kSigned, kUnsigned, kBool };

struct Row {
  std::string_view name;
  int size;
  Kind kind;
};

// In the order of DType.
constexpr std::array<Row, 13> kRows = {{{"float32", 4, Kind::kFloat},
                                        {"float64", 8, Kind::kFloat},
                                        {"float16", 2, Kind::kFloat},
                                        {"bfloat16", 2, Kind::kFloat},
                                        {"int8", 1, Kind::kSigned},
                                        {"int16", 2, Kind::kSigned},
                                        {"int32", 4, Kind::kSigned},
                                        {"int64", 8, Kind::kSigned},
                                        {"uint8", 1, Kind::kUnsigned},
                                        {"uint16", 2, Kind::kUnsigned},
                                        {"uint32", 4, Kind::kUnsigned},
                                        {"uint64", 8, Kind::kUnsigned},
                                        {"bool", 1, Kind::kBool}}};

const Row& row(DType dtype) { return kRows[static_cast<size_t>(dtype)]; }

}  // namespace

int size_of(DType dtype) { return row(dtype).size; }
std::string_view name_of(DType dtype) { return row(dtype).name; }

std::optional<DType> dtype_named(std::string_view name) {
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].name == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

bool is_float(DType dtype) { return row(dtype).kind == Kind::kFloat; }
bool is_signed_int(DType dtype) { return row(dtype).kind == Kind::kSigned; }
bool is_unsigned_int(DType dtype) { return row(dtype).kind == Kind::kUnsigned; }

}  // namespace dovetail::ir
