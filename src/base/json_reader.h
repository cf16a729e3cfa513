// Reading JSON from a text whose form is known: the caller asks for what must come next. kValue,
// with the place, for everything else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dovetail {

class JsonReader {
 public:
  // `where` begins every message: "a.safetensors: header".
  JsonReader(std::string_view text, std::string where) : text_(text), where_(std::move(where)) {}

  void expect(char punctuation);  // after white space
  bool accept(char punctuation);  // reads it if it comes next
  std::string string();           // UTF-8; escapes are resolved
  int64_t natural();              // a whole number of at least 0 in plain digits
  void end();                     // nothing but white space is left

  // Calls read() for every element up to `close`; the opening character is read.
  template <class Read>
  void list(char close, const Read& read) {
    if (accept(close)) return;
    do {
      read();
    } while (accept(','));
    expect(close);
  }
  // Calls read(key) for every member of the object that comes next, at its value.
  template <class Read>
  void object(const Read& read) {
    expect('{');
    list('}', [&] {
      const std::string key = string();
      expect(':');
      read(key);
    });
  }

 private:
  [[noreturn]] void fail(std::string_view expected) const;
  char next();  // after white space; 0 at the end
  void escape(std::string* text);
  uint32_t hex4();
  void utf8_character(std::string* text);

  std::string_view text_;
  std::string where_;
  size_t at_ = 0;
};

}  // namespace dovetail
