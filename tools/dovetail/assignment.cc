#include <charconv>

#include "base/error.h"
#include "commands.h"

namespace dovetail::tool {

std::pair<std::string, std::string> split_assignment(const std::string& option,
                                                     const std::string& text) {
  const size_t at = text.find('=');
  if (at == std::string::npos || at == 0) {
    throw_error(ErrorKind::kValue, "{} {}: expected NAME=VALUE", option, text);
  }
  return {text.substr(0, at), text.substr(at + 1)};
}

int64_t parse_extent(const std::string& option, const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) {
    throw_error(ErrorKind::kValue, "{}: '{}' is not a whole number of at least 0", option, text);
  }
  return value;
}

}  // namespace dovetail::tool
