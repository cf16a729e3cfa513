#include "fcompile.h"

#include "base/error.h"

namespace dovetail::tool {
namespace {

// As one word of the shell.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

std::string quoted(const std::vector<std::filesystem::path>& paths) {
  std::string result;
  for (const std::filesystem::path& path : paths) {
    result += (result.empty() ? "" : " ") + quoted(path.string());
  }
  return result;
}

void replace_all(std::string* text, const std::string& name, const std::string& value) {
  for (size_t at = text->find(name); at != std::string::npos; at = text->find(name, at)) {
    text->replace(at, name.size(), value);
    at += value.size();
  }
}

}  // namespace

std::function<void(const LinkJob&)> fcompile_command(const std::string& command) {
  if (command.find("{output}") == std::string::npos) {
    throw_error(ErrorKind::kValue,
                "--fcompile: '{}' does not say {{output}}; {{objects}}, {{output}} and {{target}} "
                "are replaced",
                command);
  }
  return [command](const LinkJob& job) {
    std::string line = command;
    replace_all(&line, "{target}", quoted(job.target.name));
    replace_all(&line, "{output}", quoted(job.output.string()));
    replace_all(&line, "{objects}", quoted(job.objects));
    std::string text;
    const int status = run_shell(line, &text);
    if (status == 0) return;
    while (!text.empty() && text.back() == '\n') text.pop_back();
    throw_error(ErrorKind::kValue, "--fcompile: '{}' failed with exit status {}{}{}", command,
                status, text.empty() ? "" : ":\n", text);
  };
}

}  // namespace dovetail::tool
