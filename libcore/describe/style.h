#pragma once

#include <string_view>

namespace nacre::describe {

/// The style of the documentation, all of it: its hash is in the page's
/// Content-Security-Policy.
inline constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --ink: #1d2433; --soft: #5b6478; --line: #dfe3ea; --paper: #ffffff; --tint: #f4f6fa; --accent: #0b7285; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8f0; --soft: #9aa4b8; --line: #2c3444; --paper: #12161f; --tint: #1a202c; --accent: #4fc3d9; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.6 system-ui, sans-serif; }
main, header, footer { max-width: 60rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.5rem; }
h1 { margin: 0; font-size: 2rem; letter-spacing: -0.02em; }
h2 { margin: 3rem 0 0.5rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: 1.5rem; }
h3 { margin: 2rem 0 0.5rem; font-size: 1.05rem; }
p, li { max-width: 44rem; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; padding: 0; list-style: none; }
.soft { color: var(--soft); }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: 0.94rem; }
th, td { padding: 0.45rem 0.75rem 0.45rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { color: var(--soft); font-weight: 600; }
code, pre { font: 0.88rem/1.55 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
td:first-child { font: 0.88rem/1.7 ui-monospace, "SF Mono", Menlo, Consolas, monospace; white-space: nowrap; }
pre { margin: 0.5rem 0 1.25rem; padding: 0.8rem 1rem; overflow-x: auto; background: var(--tint); border: 1px solid var(--line); border-radius: 8px; }
h3 b { display: inline-block; min-width: 4.2rem; color: var(--accent); font: 600 0.95rem/1.6 ui-monospace, Menlo, Consolas, monospace; }
footer { margin-top: 4rem; padding-bottom: 3rem; color: var(--soft); font-size: 0.9rem; }
)";

}  // namespace nacre::describe
