#include "base/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "base/json_reader.h"
#include "base/utf8.h"

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

const Row* find(dv_dtype dtype) {
  for (const Row& row : kDTypes) {
    if (row.dtype.code == dtype.code && row.dtype.bits == dtype.bits &&
        row.dtype.lanes == dtype.lanes) {
      return &row;
    }
  }
  return nullptr;
}

std::string known_dtypes() {
  std::string known;
  for (const Row& row : kDTypes) known += fmt::format("{}{}", known.empty() ? "" : ", ", row.name);
  return known;
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
    std::set<std::string> names;
    JsonReader json(header_, where_ + ": header");
    json.object([&](const std::string& name) {
      if (name == kMetadata) {
        json.object([&](const std::string&) { json.string(); });
        return;
      }
      if (!names.insert(name).second) fail(ErrorKind::kValue, name, "is there twice");
      tensors_.push_back(tensor(name, json));
    });
    json.end();
    check_places();
    return std::move(tensors_);
  }

 private:
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

  NamedTensor tensor(const std::string& name, JsonReader& json) const {
    NamedTensor result{name, {}, {}, {}};
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
        numbers(&result.shape);
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
    result.dtype = dtype_named(dtype, name);
    result.data = data(result, dtype, offsets[0], offsets[1]);
    return result;
  }

  dv_dtype dtype_named(const std::string& dtype, const std::string& tensor) const {
    for (const Row& row : kDTypes) {
      if (row.name == dtype) return row.dtype;
    }
    fail(ErrorKind::kUnsupported, tensor, "has dtype '{}'; those that can be read are {}", dtype,
         known_dtypes());
  }

  std::span<const std::byte> data(const NamedTensor& tensor, const std::string& dtype,
                                  int64_t begin, int64_t end) const {
    int64_t bytes = tensor.dtype.bits / 8;
    for (const int64_t extent : tensor.shape) {
      if (__builtin_mul_overflow(bytes, extent, &bytes)) {
        fail(ErrorKind::kValue, tensor.name, "of shape {} is too large", text_of(tensor.shape));
      }
    }
    if (begin > end || end > static_cast<int64_t>(data_.size())) {
      fail(ErrorKind::kValue, tensor.name,
           "lies at bytes {} to {} of the data, of which there are {}: the file is cut off or "
           "damaged",
           begin, end, data_.size());
    }
    if (end - begin != bytes) {
      fail(ErrorKind::kValue, tensor.name, "has {} bytes, but {} of shape {} has {}", end - begin,
           dtype, text_of(tensor.shape), bytes);
    }
    return data_.subspan(static_cast<size_t>(begin), static_cast<size_t>(bytes));
  }

  // Every byte of the data belongs to one tensor.
  void check_places() const {
    std::vector<const NamedTensor*> order;
    for (const NamedTensor& tensor : tensors_) order.push_back(&tensor);
    std::sort(order.begin(), order.end(), [](const NamedTensor* a, const NamedTensor* b) {
      return std::tuple(a->data.data(), a->data.size()) <
             std::tuple(b->data.data(), b->data.size());
    });
    const std::byte* end = data_.data();
    for (const NamedTensor* tensor : order) {
      if (tensor->data.data() != end) {
        fail(ErrorKind::kValue, tensor->name,
             "begins at byte {} of the data, expected {}, where the one before it ends",
             tensor->data.data() - data_.data(), end - data_.data());
      }
      end += tensor->data.size();
    }
    if (end != data_.data() + data_.size()) {
      throw_error(ErrorKind::kValue, "{}: the tensors end at byte {} of {} bytes of data", where_,
                  end - data_.data(), data_.size());
    }
  }

  const std::string& where_;
  std::string_view header_;
  std::span<const std::byte> data_;
  std::vector<NamedTensor> tensors_;
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

bool is_utf8(std::string_view text) {  // NUL is a character like any other here
  while (const size_t length = utf8_length(text)) text.remove_prefix(length);
  return text.empty();
}

// Whether reading the file would give this tensor back.
void check_writable(const NamedTensor& tensor, const std::string& where) {
  const std::string name = escaped(tensor.name);
  if (tensor.name == kMetadata || !is_utf8(tensor.name)) {
    throw_error(ErrorKind::kUnsupported, "{}: no tensor in the file can be called '{}'{}", where,
                name, tensor.name == kMetadata ? "" : ": names are UTF-8");
  }
  if (!find(tensor.dtype)) {
    throw_error(ErrorKind::kUnsupported,
                "{}: tensor '{}' has a dtype of code {}, {} bits and lanes {}, which the format "
                "does not have; convert it to one of {}",
                where, name, tensor.dtype.code, tensor.dtype.bits, tensor.dtype.lanes,
                known_dtypes());
  }
  if (std::ranges::any_of(tensor.shape, [](int64_t extent) { return extent < 0; })) {
    throw_error(ErrorKind::kValue, "{}: tensor '{}' of shape {} has a negative extent", where, name,
                text_of(tensor.shape));
  }
  if (!tensor.data.data() && !tensor.data.empty()) {
    throw_error(ErrorKind::kValue, "{}: tensor '{}' of shape {} has no data: its pointer is NULL",
                where, name, text_of(tensor.shape));
  }
}

}  // namespace

std::vector<NamedTensor> parse_safetensors(std::span<const std::byte> file,
                                           const std::string& where) {
  return Parser(file, where).parse();
}

void write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors) {
  for (const NamedTensor& tensor : tensors) check_writable(tensor, path.string());
  std::vector<const NamedTensor*> order;
  for (const int bits : {64, 32, 16, 8}) {  // all that the format has
    for (const NamedTensor& tensor : tensors) {
      if (tensor.dtype.bits == bits) order.push_back(&tensor);
    }
  }
  std::string header;
  size_t begin = 0;
  for (const NamedTensor* tensor : order) {
    const size_t end = begin + tensor->data.size();
    header += fmt::format("{}{}:{{\"dtype\":\"{}\",\"shape\":{},\"data_offsets\":[{},{}]}}",
                          header.empty() ? "{" : ",", quoted(tensor->name),
                          find(tensor->dtype)->name, text_of(tensor->shape), begin, end);
    begin = end;
  }
  header += header.empty() ? "{}" : "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const uint64_t length = header.size();
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(std::as_bytes(std::span(header)));
  for (const NamedTensor* tensor : order) file.write(tensor->data);
  file.commit();
}

}  // namespace dovetail
