// --fcompile: the link as a command of the user's.
#pragma once

#include <dovetail/compiler.h>

#include <functional>
#include <string>

namespace dovetail::tool {

// A function that runs `command` by the shell with {objects}, {output} and {target} replaced. A
// command without {output} is kValue; one that fails too, with its exit status and what it printed.
std::function<void(const LinkJob&)> fcompile_command(const std::string& command);

// Runs a shell command; its output and errors go to `text`. The exit status, 128 + n for signal n.
// kIo when it cannot be started.
int run_shell(const std::string& command, std::string* text);

}  // namespace dovetail::tool
