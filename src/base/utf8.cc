#include "base/utf8.h"

#include <fmt/format.h>

#include <cstdint>

namespace dovetail {

size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t k) -> uint32_t {
    return k < text.size() ? static_cast<unsigned char>(text[k]) : 0u;
  };
  if (text.empty()) return 0;
  const uint32_t first = byte(0);
  const size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  uint32_t code = length == 1 ? first : first & (0x7fu >> length);
  bool valid = first < 0x80 || (first >= 0xc2 && first < 0xf5);
  for (size_t k = 1; k < length; ++k) {
    valid &= (byte(k) & 0xc0) == 0x80;
    code = code << 6 | (byte(k) & 0x3f);
  }
  // Longer than need be, halves of pairs, and beyond the last character.
  valid &= length < 3 || code >= (length == 3 ? 0x800u : 0x10000u);
  valid &= (code < 0xd800 || code >= 0xe000) && code <= 0x10ffff;
  return valid ? length : 0;
}

bool is_text(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t length = utf8_length(bytes);
    if (length == 0 || bytes.front() == '\0') return false;
    bytes.remove_prefix(length);
  }
  return true;
}

std::string escaped(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    size_t length = utf8_length(bytes);
    if (length == 0 || bytes.front() == '\0') {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(bytes.front()));
      length = 1;
    } else {
      text += bytes.substr(0, length);
    }
    bytes.remove_prefix(length);
  }
  return text;
}

}  // namespace dovetail
