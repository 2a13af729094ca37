#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace nacre::describe {

/// An HTML page in the making: what is not markup is escaped.
class Html {
 public:
  /// Markup as it is; a literal.
  Html& raw(std::string_view markup) {
    out_ += markup;
    return *this;
  }

  /// Text, also good between the quotes of an attribute.
  Html& text(std::string_view text) {
    for (const char c : text) escape(c);
    return *this;
  }

  /// Text in which `backquotes` mark code.
  Html& prose(std::string_view text) {
    bool code = false;
    for (const char c : text) {
      if (c == '`') {
        raw(code ? "</code>" : "<code>");
        code = !code;
      } else {
        escape(c);
      }
    }
    return code ? raw("</code>") : *this;
  }

  /// <tag>text</tag>
  Html& element(std::string_view tag, std::string_view content) {
    out_.append("<").append(tag).append(">");
    text(content);
    out_.append("</").append(tag).append(">");
    return *this;
  }

  /// A row of a table.
  Html& row(std::string_view cell, std::initializer_list<std::string_view> cells) {
    raw("<tr>");
    for (const auto content : cells) {
      out_.append("<").append(cell).append(">");
      prose(content);
      out_.append("</").append(cell).append(">");
    }
    return raw("</tr>\n");
  }

  std::string take() { return std::move(out_); }

 private:
  void escape(char c) {
    switch (c) {
      case '&':
        out_ += "&amp;";
        break;
      case '<':
        out_ += "&lt;";
        break;
      case '>':
        out_ += "&gt;";
        break;
      case '"':
        out_ += "&quot;";
        break;
      case '\'':
        out_ += "&#39;";
        break;
      default:
        out_ += c;
    }
  }

  std::string out_;
};

}  // namespace nacre::describe
