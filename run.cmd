@echo off
rem Starts WorkinIt in containers on Windows, and stays in the foreground until Ctrl-C. Needs Docker Desktop. On Linux, use ./run
setlocal
cd /d "%~dp0"
docker info >nul 2>&1 || (echo No Docker engine answers. Start Docker Desktop, then try again. & exit /b 1)
if not defined WORKINIT_WEB_PORT set WORKINIT_WEB_PORT=8080
if not defined WORKINIT_MAIL_PORT set WORKINIT_MAIL_PORT=1080
if not defined WORKINIT_MANAGEMENT_PORT set WORKINIT_MANAGEMENT_PORT=15672
rem Delays of seconds, so that a redelivery can be watched; the same as ./run.
if not defined Redelivery__Delays__0 (
  set Redelivery__Delays__0=00:00:05
  set Redelivery__Delays__1=00:00:15
  set Redelivery__Delays__2=00:00:30
  set Redelivery__Delays__3=00:01:00
)
docker compose up --build --detach || (docker compose logs --tail 15 & docker compose down & exit /b 1)
echo.
echo WorkinIt is running (docker). Ctrl-C stops it. Web needs a few seconds until it answers.
echo.
echo   The form                  http://localhost:%WORKINIT_WEB_PORT%
echo   The mails it sends        http://localhost:%WORKINIT_MAIL_PORT%
echo   RabbitMQ, management UI   http://localhost:%WORKINIT_MANAGEMENT_PORT%    user operator, password operator
echo   Dead letters              http://localhost:%WORKINIT_WEB_PORT%/dead-letters    the same user
echo.
rem Attached to the running containers, which compose stops at Ctrl-C. Messages in the queues stay in the volume for the next start.
docker compose up --no-build --no-recreate --attach web --attach consumers
