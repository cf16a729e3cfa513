// UTF-8, as RFC 3629 defines it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dovetail {

// Bytes of the character that the text begins with; 0 where there is none, or no valid one.
size_t utf8_length(std::string_view text);

// Whether it is characters throughout, none of them NUL.
bool is_text(std::string_view bytes);

// What is no part of such a character written as \xNN, so that it can be shown.
std::string escaped(std::string_view bytes);

}  // namespace dovetail
