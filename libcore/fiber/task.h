#pragma once

#include <boost/intrusive/list.hpp>
#include <functional>
#include <utility>

namespace nacre {

/// What a loop is to do once it is posted. It belongs to who posts it: to post it takes no memory, to post it again while it
/// waits does nothing, and its end takes it back.
class Task : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  explicit Task(std::function<void()> work) : run(std::move(work)) {}
  ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  const std::function<void()> run;
};

/// The tasks of a loop's turns, each in the order in which they were posted: see Reactor.
class Turns {
 public:
  void post(Task& task) { add(running_ ? next_ : now_, task); }
  void post_last(Task& task) { add(last_, task); }
  void post_next_turn(Task& task) { add(next_, task); }

  bool has_now() const noexcept { return !now_.empty() || !last_.empty(); }
  bool has_next() const noexcept { return !next_.empty(); }
  bool empty() const noexcept { return !has_now() && !has_next(); }

  /// Once in each turn, before `run_now`. `call(task)` runs a task and throws nothing.
  template <class Call>
  void run_next(Call call) {
    run(next_, call);
  }
  template <class Call>
  void run_now(Call call) {
    running_ = true;
    run(now_, call);
    run(last_, call);
    running_ = false;
    next_.splice(next_.end(), last_);
  }

 private:
  using List = boost::intrusive::list<Task, boost::intrusive::constant_time_size<false>>;

  static void add(List& list, Task& task) {
    if (!task.is_linked()) list.push_back(task);
  }
  template <class Call>
  static void run(List& list, Call& call) {
    if (list.empty()) return;
    List due;
    due.splice(due.end(), list);
    while (!due.empty()) {
      Task& task = due.front();
      due.pop_front();
      call(task);
    }
  }

  List now_, last_, next_;
  bool running_ = false;
};

}  // namespace nacre
