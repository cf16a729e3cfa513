#include "base/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "base/json_reader.h"

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

namespace dovetail {
namespace {

struct Row {
  std::string_view name;
  dv_dtype dtype;
};
constexpr Row kDTypes[] = {
    {"F64", {DV_FLOAT, 64, 1}}, {"F32", {DV_FLOAT, 32, 1}},   {"F16", {DV_FLOAT, 16, 1}},
    {"I64", {DV_INT, 64, 1}},   {"BF16", {DV_BFLOAT, 16, 1}}, {"I32", {DV_INT, 32, 1}},
    {"I16", {DV_INT, 16, 1}},   {"I8", {DV_INT, 8, 1}},       {"U64", {DV_UINT, 64, 1}},
    {"U32", {DV_UINT, 32, 1}},  {"U16", {DV_UINT, 16, 1}},    {"U8", {DV_UINT, 8, 1}},
    {"BOOL", {DV_BOOL, 8, 1}},
};
constexpr std::string_view kMetadata = "__metadata__";  // a member of the header that is no tensor
constexpr size_t kLengthBytes = 8;
constexpr uint64_t kMaxHeader = 100'000'000;  // the limit of the reference implementation

std::string_view name_of(dv_dtype dtype) {
  for (const Row& row : kDTypes) {
    if (row.dtype.code == dtype.code && row.dtype.bits == dtype.bits) return row.name;
  }
  throw_error(ErrorKind::kUnsupported, "safetensors have no dtype of code {} and {} bits",
              dtype.code, dtype.bits);
}

std::string text_of(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t extent : shape) text += (text.empty() ? "" : ",") + fmt::format("{}", extent);
  return "[" + text + "]";
}

class Parser {
 public:
  Parser(std::span<const std::byte> file, const std::string& where)
      : where_(where),
        header_(header_of(file)),
        data_(file.subspan(kLengthBytes + header_.size())) {}

  std::vector<NamedTensor> parse() {
    JsonReader json(header_, where_ + ": header");
    json.object([&](const std::string& name) {
      if (name == kMetadata) {
        json.object([&](const std::string&) { json.string(); });
      } else {
        tensors_.push_back(tensor(name, json));
      }
    });
    json.end();
    check_names();
    check_places();
    std::vector<NamedTensor> result;
    for (Placed& placed : tensors_) result.push_back(std::move(placed.tensor));
    return result;
  }

 private:
  struct Placed {
    NamedTensor tensor;
    int64_t begin, end;
  };

  std::string_view header_of(std::span<const std::byte> file) const {
    uint64_t length = 0;
    if (file.size() < kLengthBytes + 2) {
      throw_error(ErrorKind::kValue, "{}: not a safetensors file: it has {} bytes", where_,
                  file.size());
    }
    std::memcpy(&length, file.data(), kLengthBytes);
    if (length > kMaxHeader) {
      throw_error(ErrorKind::kValue,
                  "{}: not a safetensors file: its header would have {} bytes, at most {} are "
                  "allowed",
                  where_, length, kMaxHeader);
    }
    if (length > file.size() - kLengthBytes) {
      throw_error(ErrorKind::kValue,
                  "{}: the file is cut off: its header has {} bytes, {} of them are here", where_,
                  length, file.size() - kLengthBytes);
    }
    const std::string_view header(reinterpret_cast<const char*>(file.data()) + kLengthBytes,
                                  length);
    if (!header.starts_with('{')) {
      throw_error(ErrorKind::kValue,
                  "{}: not a safetensors file: its header does not begin with '{{'", where_);
    }
    return header;
  }

  template <class... Args>
  [[noreturn]] void fail(ErrorKind kind, const std::string& name,
                         fmt::format_string<Args...> format, Args&&... args) const {
    throw_error(kind, "{}: tensor '{}' {}", where_, name,
                fmt::format(format, std::forward<Args>(args)...));
  }

  Placed tensor(const std::string& name, JsonReader& json) const {
    Placed placed{{name, {}, {}, {}}, 0, -1};
    std::string dtype;
    std::vector<int64_t> offsets;
    unsigned seen = 0;  // each field once
    const auto first = [&](unsigned field) {
      if (seen & field) fail(ErrorKind::kValue, name, "has a field twice");
      seen |= field;
    };
    const auto numbers = [&](std::vector<int64_t>* into) {
      json.expect('[');
      json.list(']', [&] { into->push_back(json.natural()); });
    };
    json.object([&](const std::string& field) {
      if (field == "dtype") {
        first(1);
        dtype = json.string();
      } else if (field == "shape") {
        first(2);
        numbers(&placed.tensor.shape);
      } else if (field == "data_offsets") {
        first(4);
        numbers(&offsets);
      } else {
        fail(ErrorKind::kValue, name, "has a field '{}', which the format does not have", field);
      }
    });
    if (seen != 7 || offsets.size() != 2) {
      fail(ErrorKind::kValue, name, "must have a dtype, a shape and two data_offsets");
    }
    placed.begin = offsets[0];
    placed.end = offsets[1];
    resolve(dtype, &placed);
    return placed;
  }

  // The dtype by its name, and the data.
  void resolve(const std::string& dtype, Placed* placed) const {
    NamedTensor& tensor = placed->tensor;
    const auto* row = std::find_if(std::begin(kDTypes), std::end(kDTypes),
                                   [&](const Row& candidate) { return candidate.name == dtype; });
    if (row == std::end(kDTypes)) {
      std::string known;
      for (const Row& r : kDTypes) known += fmt::format("{}{}", known.empty() ? "" : ", ", r.name);
      fail(ErrorKind::kUnsupported, tensor.name, "has dtype '{}'; those that can be read are {}",
           dtype, known);
    }
    tensor.dtype = row->dtype;
    int64_t bytes = row->dtype.bits / 8;
    for (const int64_t extent : tensor.shape) {
      if (__builtin_mul_overflow(bytes, extent, &bytes)) {
        fail(ErrorKind::kValue, tensor.name, "of shape {} is too large", text_of(tensor.shape));
      }
    }
    if (placed->begin > placed->end || placed->end > static_cast<int64_t>(data_.size())) {
      fail(ErrorKind::kValue, tensor.name,
           "lies at bytes {} to {} of the data, of which there are {}: the file is cut off or "
           "damaged",
           placed->begin, placed->end, data_.size());
    }
    if (placed->end - placed->begin != bytes) {
      fail(ErrorKind::kValue, tensor.name, "has {} bytes, but {} of shape {} has {}",
           placed->end - placed->begin, dtype, text_of(tensor.shape), bytes);
    }
    tensor.data = data_.subspan(static_cast<size_t>(placed->begin), static_cast<size_t>(bytes));
  }

  void check_names() {
    const auto name = [](const Placed& placed) -> const std::string& { return placed.tensor.name; };
    std::ranges::sort(tensors_, {}, name);
    const auto twice = std::ranges::adjacent_find(tensors_, {}, name);
    if (twice != tensors_.end()) fail(ErrorKind::kValue, twice->tensor.name, "is there twice");
  }

  // Every byte of the data belongs to one tensor.
  void check_places() {
    std::ranges::stable_sort(
        tensors_, {}, [](const Placed& placed) { return std::pair(placed.begin, placed.end); });
    int64_t end = 0;
    for (const Placed& placed : tensors_) {
      if (placed.begin != end) {
        fail(ErrorKind::kValue, placed.tensor.name,
             "begins at byte {} of the data, expected {}, where the one before it ends",
             placed.begin, end);
      }
      end = placed.end;
    }
    if (end != static_cast<int64_t>(data_.size())) {
      throw_error(ErrorKind::kValue, "{}: the tensors end at byte {} of {} bytes of data", where_,
                  end, data_.size());
    }
  }

  const std::string& where_;
  std::string_view header_;
  std::span<const std::byte> data_;
  std::vector<Placed> tensors_;
};

std::string quoted(const std::string& name) {
  std::string text = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') text += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      text += fmt::format("\\u{:04x}", c);
    } else {
      text += c;
    }
  }
  return text + "\"";
}

}  // namespace

std::vector<NamedTensor> parse_safetensors(std::span<const std::byte> file,
                                           const std::string& where) {
  return Parser(file, where).parse();
}

void write_safetensors(const std::filesystem::path& path, std::vector<NamedTensor> tensors) {
  std::ranges::sort(tensors, {}, [](const NamedTensor& tensor) {
    return std::pair<int, const std::string&>(-tensor.dtype.bits, tensor.name);
  });
  std::string header;
  size_t begin = 0;
  for (const NamedTensor& tensor : tensors) {
    if (tensor.name == kMetadata) {
      throw_error(ErrorKind::kUnsupported, "{}: no tensor in the file can be called '{}'",
                  path.string(), kMetadata);
    }
    const size_t end = begin + tensor.data.size();
    header += fmt::format("{}{}:{{\"dtype\":\"{}\",\"shape\":{},\"data_offsets\":[{},{}]}}",
                          header.empty() ? "{" : ",", quoted(tensor.name), name_of(tensor.dtype),
                          text_of(tensor.shape), begin, end);
    begin = end;
  }
  header += header.empty() ? "{}" : "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const uint64_t length = header.size();
  write_file_atomically(path, [&](const ByteSink& sink) {
    sink(std::as_bytes(std::span(&length, 1)));
    sink(std::as_bytes(std::span(header)));
    for (const NamedTensor& tensor : tensors) sink(tensor.data);
  });
}

}  // namespace dovetail
