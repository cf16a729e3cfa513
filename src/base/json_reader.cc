#include "base/json_reader.h"

#include "base/error.h"
#include "base/utf8.h"

namespace dovetail {
namespace {

void append_utf8(uint32_t code, std::string* text) {
  const auto tail = [&](int shift) {
    text->push_back(static_cast<char>(0x80 | (code >> shift & 0x3f)));
  };
  if (code < 0x80) {
    text->push_back(static_cast<char>(code));
    return;
  }
  if (code < 0x800) {
    text->push_back(static_cast<char>(0xc0 | code >> 6));
  } else if (code < 0x10000) {
    text->push_back(static_cast<char>(0xe0 | code >> 12));
    tail(6);
  } else {
    text->push_back(static_cast<char>(0xf0 | code >> 18));
    tail(12);
    tail(6);
  }
  tail(0);
}

bool is_surrogate(uint32_t code) { return code >= 0xd800 && code < 0xe000; }

}  // namespace

void JsonReader::fail(std::string_view expected) const {
  throw_error(ErrorKind::kValue, "{}, byte {}: expected {}", where_, at_, expected);
}

char JsonReader::next() {
  while (at_ < text_.size() &&
         (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) {
    ++at_;
  }
  return at_ < text_.size() ? text_[at_] : '\0';
}

bool JsonReader::accept(char punctuation) {
  if (next() != punctuation) return false;
  ++at_;
  return true;
}

void JsonReader::expect(char punctuation) {
  if (!accept(punctuation)) fail(fmt::format("'{}'", punctuation));
}

void JsonReader::end() {
  if (next() != '\0' || at_ < text_.size()) fail("its end");
}

int64_t JsonReader::natural() {
  const auto digit = [&] { return at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; };
  next();
  if (!digit()) fail("a whole number");
  int64_t value = 0;
  const bool zero = text_[at_] == '0';
  for (; digit(); ++at_) {
    if (__builtin_mul_overflow(value, 10, &value) ||
        __builtin_add_overflow(value, text_[at_] - '0', &value)) {
      fail("a number below 2^63");
    }
    if (zero && value != 0) fail("a number without leading zeros");
  }
  return value;
}

std::string JsonReader::string() {
  expect('"');
  std::string text;
  while (true) {
    if (at_ >= text_.size()) fail("'\"'");
    const auto c = static_cast<unsigned char>(text_[at_]);
    if (c == '"') break;
    if (c < 0x20) fail("no control character in a string");
    if (c == '\\') {
      escape(&text);
    } else {
      utf8_character(&text);
    }
  }
  ++at_;
  return text;
}

void JsonReader::escape(std::string* text) {
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
  ++at_;
  const char name = at_ < text_.size() ? text_[at_] : '\0';
  if (const size_t index = kNames.find(name); name != '\0' && index != std::string_view::npos) {
    text->push_back(kValues[index]);
    ++at_;
    return;
  }
  if (name != 'u') fail("an escape of JSON");
  uint32_t code = hex4();
  if (is_surrogate(code)) {
    const bool paired = code < 0xdc00 && text_.substr(at_, 2) == "\\u";
    if (paired) ++at_;
    const uint32_t low = paired ? hex4() : 0;
    if (low < 0xdc00 || !is_surrogate(low)) fail("the second half of a surrogate pair");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  append_utf8(code, text);
}

// The four digits behind the 'u' that is next.
uint32_t JsonReader::hex4() {
  uint32_t code = 0;
  for (int k = 0; k < 4; ++k) {
    ++at_;
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    const bool decimal = c >= '0' && c <= '9';
    const char lower = static_cast<char>(c | 0x20);
    if (!decimal && (lower < 'a' || lower > 'f')) fail("a hexadecimal digit");
    code = code << 4 | static_cast<uint32_t>(decimal ? c - '0' : lower - 'a' + 10);
  }
  ++at_;
  return code;
}

void JsonReader::utf8_character(std::string* text) {
  const size_t length = utf8_length(text_.substr(at_));
  if (length == 0) fail("UTF-8");
  text->append(text_.substr(at_, length));
  at_ += length;
}

}  // namespace dovetail
