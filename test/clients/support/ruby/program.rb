# A client of Faktory written with the gem `faktory_worker_ruby`; README.md above has its contract.

CONCURRENCY = "5"
PAUSE_SECONDS = 0.005
PAUSE_AFTER_ERROR_SECONDS = 0.2

$stdout.sync = true

class Count
  def self.load
    require "faktory_worker_ruby"
    include Faktory::Job
  end

  def perform(n)
    $stdout.write("done #{n}\n")
  end
end

def work(wid)
  require "faktory/cli"
  Count.load
  Faktory.configure_worker do |config|
    # The gem makes up a wid of its own; the test must know it.
    config.on(:startup) { Faktory::Client.class_variable_set(:@@random_process_wid, wid) }
  end
  cli = Faktory::CLI.instance
  cli.parse(["-q", "default", "-c", CONCURRENCY, "-r", File.join(__dir__, "empty.rb"), "-e", "production"])
  # What it logs is not part of the contract.
  Faktory.logger = Logger.new($stderr, level: Logger::WARN)
  cli.run
end

def produce(first, jobs)
  Count.load
  pushed = 0
  n = first
  while pushed < jobs
    begin
      Count.perform_async(n)
      pushed += 1
      $stdout.write("pushed #{n}\n")
      sleep PAUSE_SECONDS
    rescue => error
      $stdout.write("unknown #{n} #{error.inspect}\n")
      sleep PAUSE_AFTER_ERROR_SECONDS
    end
    n += 1
  end
end

role, *words = ARGV
if role == "worker"
  work(*words)
else
  produce(*words.map(&:to_i))
end
