#include "npy.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <iterator>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/files.h"

namespace dovetail::tool {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kAlignment = 64;  // of the data in the file

struct Row {
  std::string_view kind;  // numpy's letter and size
  dv_dtype dtype;
};
constexpr Row kKinds[] = {
    {"b1", {DV_BOOL, 8, 1}},    {"i1", {DV_INT, 8, 1}},    {"i2", {DV_INT, 16, 1}},
    {"i4", {DV_INT, 32, 1}},    {"i8", {DV_INT, 64, 1}},   {"u1", {DV_UINT, 8, 1}},
    {"u2", {DV_UINT, 16, 1}},   {"u4", {DV_UINT, 32, 1}},  {"u8", {DV_UINT, 64, 1}},
    {"f2", {DV_FLOAT, 16, 1}},  {"f4", {DV_FLOAT, 32, 1}}, {"f8", {DV_FLOAT, 64, 1}},
    {"V2", {DV_BFLOAT, 16, 1}},
};

struct Header {
  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<int64_t>> shape;
};

// The header is a Python dict with three keys: {'descr': '<f4', 'fortran_order': False,
// 'shape': (2, 3), }
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  Header parse() {
    Header header;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr") {
        header.descr = descr();
      } else if (key == "fortran_order") {
        header.fortran_order = boolean();
      } else if (key == "shape") {
        header.shape = shape();
      } else {
        fail();
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (!text_.empty() || !header.descr || !header.fortran_order || !header.shape) fail();
    return header;
  }

 private:
  [[noreturn]] void fail() const {
    throw_error(ErrorKind::kValue, "{} is damaged: its .npy header cannot be read", where_);
  }
  void skip_space() {
    text_.remove_prefix(std::min(text_.find_first_not_of(" \t\r\n"), text_.size()));
  }
  bool accept(char wanted) {
    skip_space();
    if (text_.empty() || text_.front() != wanted) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted)) fail();
  }
  std::string quoted() {
    const char mark = accept('\'') ? '\'' : '"';
    if (mark == '"') expect('"');
    const size_t end = text_.find(mark);
    if (end == std::string_view::npos) fail();
    const std::string result(text_.substr(0, end));
    text_.remove_prefix(end + 1);
    return result;
  }
  std::string descr() {
    skip_space();
    if (!text_.empty() && text_.front() == '[') {
      throw_error(ErrorKind::kValue, "{} holds records with fields; expected an array of numbers",
                  where_);
    }
    return quoted();
  }
  bool boolean() {
    skip_space();
    for (const std::string_view word : {"True", "False"}) {
      if (!text_.starts_with(word)) continue;
      text_.remove_prefix(word.size());
      return word == "True";
    }
    fail();
  }
  std::vector<int64_t> shape() {
    std::vector<int64_t> extents;
    expect('(');
    while (!accept(')')) {
      skip_space();
      int64_t extent = 0;
      const auto [end, error] = std::from_chars(text_.begin(), text_.end(), extent);
      if (error != std::errc() || extent < 0) fail();
      text_.remove_prefix(static_cast<size_t>(end - text_.begin()));
      extents.push_back(extent);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return extents;
  }

  std::string_view text_;
  const std::string& where_;
};

DType parse_descr(const std::string& descr, const std::string& where) {
  const std::string_view kind = std::string_view(descr).substr(std::min<size_t>(1, descr.size()));
  const auto* row = std::ranges::find(kKinds, kind, &Row::kind);
  const bool known = row != std::end(kKinds);
  if (known && descr[0] == '>') {
    throw_error(ErrorKind::kValue,
                "{} is big-endian ('{}'); save it as array.astype(array.dtype.newbyteorder('<'))",
                where, descr);
  }
  if (known && std::string_view("<|=").find(descr[0]) != std::string_view::npos) return row->dtype;
  const char* what = kind.starts_with('O') ? "Python objects" : "values";
  throw_error(ErrorKind::kValue, "{} holds {} of numpy's dtype '{}'; expected numbers or bool",
              where, what, descr);
}

// Size of the array in bytes; nothing when it fits no memory.
std::optional<size_t> size_of(const std::vector<int64_t>& shape, DType dtype) {
  if (std::ranges::find(shape, 0) != shape.end()) return 0;
  auto bytes = static_cast<int64_t>(dtype.size());
  for (const int64_t extent : shape) {
    if (__builtin_mul_overflow(bytes, extent, &bytes)) return std::nullopt;
  }
  return static_cast<size_t>(bytes);
}

// Reorders elements from the first index running fastest to the last one.
std::vector<std::byte> to_row_major(Bytes source, const std::vector<int64_t>& shape, size_t size) {
  std::vector<std::byte> result(source.size());
  std::vector<int64_t> index(shape.size());
  std::vector<size_t> step(shape.size());  // of the source
  for (size_t axis = 0, product = size; axis < shape.size(); ++axis) {
    step[axis] = product;
    product *= static_cast<size_t>(shape[axis]);
  }
  size_t from = 0;
  for (size_t to = 0; to < result.size(); to += size) {
    std::memcpy(&result[to], &source[from], size);
    for (size_t axis = shape.size(); axis-- > 0;) {
      from += step[axis];
      if (++index[axis] < shape[axis]) break;
      from -= step[axis] * static_cast<size_t>(shape[axis]);
      index[axis] = 0;
    }
  }
  return result;
}

// The header's text, and where the data begins.
std::pair<std::string_view, size_t> header_text(Bytes file, const std::string& where) {
  const auto* text = reinterpret_cast<const char*>(file.data());
  const std::string_view whole(text, file.size());
  if (!whole.starts_with(kMagic)) {
    throw_error(ErrorKind::kValue, "{} is not a .npy file", where);
  }
  const size_t prefix = whole.size() > kMagic.size() && whole[kMagic.size()] == 1 ? 10 : 12;
  if (whole.size() < prefix) throw_error(ErrorKind::kValue, "{} is truncated", where);
  const auto version = static_cast<unsigned char>(whole[kMagic.size()]);
  if (version < 1 || version > 3) {
    throw_error(ErrorKind::kValue, "{} is a .npy file of version {}; versions 1 to 3 can be read",
                where, version);
  }
  size_t length = 0;
  for (size_t k = prefix; k-- > kMagic.size() + 2;) {
    length = length << 8 | static_cast<unsigned char>(whole[k]);
  }
  if (whole.size() - prefix < length) throw_error(ErrorKind::kValue, "{} is truncated", where);
  return {whole.substr(prefix, length), prefix + length};
}

std::string_view kind_of(DType dtype) {
  const auto* row =
      std::ranges::find_if(kKinds, [&](const Row& r) { return DType(r.dtype) == dtype; });
  DOVETAIL_CHECK(row != std::end(kKinds), "no .npy dtype for {}", dtype.name());
  return row->kind;
}

std::string header_for(DType dtype, std::span<const int64_t> shape) {
  const char order = dtype.size() == 1 ? '|' : '<';
  std::string extents;
  for (size_t k = 0; k < shape.size(); ++k) {
    const bool comma = k + 1 < shape.size() || shape.size() == 1;
    extents += fmt::format("{}{}", shape[k], comma ? "," : "");
    if (k + 1 < shape.size()) extents += ' ';
  }
  std::string text = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}",
                                 order, kind_of(dtype), extents);
  const size_t prefix = kMagic.size() + 4;
  const size_t total = (prefix + text.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
  text.resize(total - prefix - 1, ' ');
  const size_t length = text.size() + 1;
  DOVETAIL_CHECK(length < 65536, "a shape of {} extents", shape.size());
  std::string header(kMagic);
  header += {'\x01', '\0', static_cast<char>(length & 0xff), static_cast<char>(length >> 8)};
  return header + text + '\n';
}

}  // namespace

NpyArray parse_npy(Bytes file, const std::string& where) {
  const auto [text, begin] = header_text(file, where);
  const Header header = HeaderParser(text, where).parse();
  const DType dtype = parse_descr(*header.descr, where);
  const std::vector<int64_t>& shape = *header.shape;
  const std::optional<size_t> size = size_of(shape, dtype);
  const Bytes data = file.subspan(begin);
  if (!size || data.size() < *size) {
    throw_error(ErrorKind::kValue, "{} is truncated: it holds {} bytes of data{}", where,
                data.size(), size ? fmt::format(" of {}", *size) : "");
  }
  const Bytes used = data.first(*size);
  NpyArray array{dtype, shape, {}};
  if (*header.fortran_order && shape.size() > 1) {
    array.bytes = to_row_major(used, shape, dtype.size());
  } else {
    array.bytes.assign(used.begin(), used.end());
  }
  return array;
}

NpyArray read_npy(const std::filesystem::path& path) {
  const MappedFile file(path);
  return parse_npy(file.bytes(), path.string());
}

AtomicFile write_npy(const std::filesystem::path& path, DType dtype, std::span<const int64_t> shape,
                     Bytes bytes) {
  const std::string header = header_for(dtype, shape);
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(header)));
  file.write(bytes);
  file.close();
  return file;
}

}  // namespace dovetail::tool
